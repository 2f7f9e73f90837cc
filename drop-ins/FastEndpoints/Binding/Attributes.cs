namespace FastEndpoints;

/// <summary>Where a value may come from.</summary>
[Flags]
public enum Source
{
    FormField = 1,
    QueryParam = 2,
    RouteParam = 4,
}

/// <summary>A property that does not come from the JSON body.</summary>
public abstract class NonJsonBindingAttribute : Attribute;

/// <summary>Switches sources off for a property.</summary>
[AttributeUsage(AttributeTargets.Property)]
public class DontBindAttribute(Source sources) : NonJsonBindingAttribute
{
    public Source BindingSources { get; set; } = sources;

    public bool IsRequired { get; set; }
}

/// <summary>From the route only.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class RouteParamAttribute() : DontBindAttribute(Source.QueryParam | Source.FormField);

/// <summary>From the query only.</summary>
[AttributeUsage(AttributeTargets.Property)]
public class QueryParamAttribute() : DontBindAttribute(Source.RouteParam | Source.FormField);

/// <summary>The whole body is this property's value.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class FromBodyAttribute : Attribute;

/// <summary>From a header.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class FromHeaderAttribute(string? headerName = null, bool isRequired = true, bool removeFromSchema = false) : NonJsonBindingAttribute
{
    public string? HeaderName { get; set; } = headerName;

    public bool IsRequired { get; set; } = isRequired;

    public bool RemoveFromSchema { get; set; } = removeFromSchema;
}

/// <summary>The name under which route and query carry the property.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class BindFromAttribute(string name) : Attribute
{
    public string Name { get; set; } = name;
}
