using System.Collections;
using System.Collections.Frozen;
using System.Linq.Expressions;
using System.Reflection;
using System.Text.Json.Serialization;
using FluentValidation.Results;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace FastEndpoints;

/// <summary>Binds in the library's order: JSON body, then route, query, headers; a later source overwrites an earlier one.</summary>
internal static class RequestBinder<TRequest> where TRequest : notnull
{
    private static readonly bool s_isList = typeof(IEnumerable).IsAssignableFrom(typeof(TRequest));
    private static readonly FrozenDictionary<string, BoundProperty> s_properties = FrozenDictionary<string, BoundProperty>.Empty;
    private static readonly List<(string Header, bool IsRequired, BoundProperty Property)> s_headers = [];
    private static readonly (Type Type, Action<TRequest, object?> Set)? s_body;

    static RequestBinder()
    {
        if (s_isList || typeof(TRequest) == typeof(EmptyRequest))
        {
            return;
        }

        var properties = new Dictionary<string, BoundProperty>(StringComparer.OrdinalIgnoreCase);
        foreach (var property in BindableProperties.Of(typeof(TRequest)))
        {
            if (property.IsDefined(typeof(FromBodyAttribute)))
            {
                s_body = (property.PropertyType, SetterOf(property));
                continue;
            }

            var disabled = property.GetCustomAttribute<DontBindAttribute>()?.BindingSources ?? 0;
            var bound = new BoundProperty(property.PropertyType, ValueParser.For(property.PropertyType), SetterOf(property), disabled);
            if (property.GetCustomAttribute<FromHeaderAttribute>() is { } header)
            {
                s_headers.Add((header.HeaderName ?? FieldNames.Of(property), header.IsRequired, bound));
                if (header.IsRequired)
                {
                    continue;
                }
            }

            properties.Add(FieldNames.Of(property), bound);
        }

        s_properties = properties.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);
    }

    public static async ValueTask<TRequest> BindAsync(HttpContext context, List<ValidationFailure> failures, CancellationToken cancellation)
    {
        if (typeof(TRequest) == typeof(EmptyRequest))
        {
            return RequestFactory<TRequest>.Create();
        }

        var request = context.Request.HasJsonContentType()
            ? await ReadBodyAsync(context.Request, cancellation)
            : RequestFactory<TRequest>.Create();
        if (s_isList)
        {
            return request;
        }

        foreach (var (name, value) in context.Request.RouteValues)
        {
            Bind(request, name, value?.ToString(), Source.RouteParam, failures);
        }

        foreach (var (name, value) in context.Request.Query)
        {
            Bind(request, name, value, Source.QueryParam, failures);
        }

        BindHeaders(request, context, failures);
        return failures.Count == 0 ? request : throw new ValidationFailureException(failures, "Model binding failed!");
    }

    private static async ValueTask<TRequest> ReadBodyAsync(HttpRequest http, CancellationToken cancellation)
    {
        var deserialize = Config.SerializerSettings.RequestDeserializer;
        if (s_body is not { } body)
        {
            return (TRequest?)await deserialize(http, typeof(TRequest), null, cancellation) ?? RequestFactory<TRequest>.Create();
        }

        var request = RequestFactory<TRequest>.Create();
        body.Set(request, await deserialize(http, body.Type, null, cancellation));
        return request;
    }

    private static void Bind(TRequest request, string name, StringValues value, Source source, List<ValidationFailure> failures)
    {
        if (!s_properties.TryGetValue(name, out var property) || (property.DisabledSources & source) == source)
        {
            return;
        }

        var parsed = property.Parse(value);
        if (parsed.IsSuccess)
        {
            property.Set(request, parsed.Value);
        }
        else if (value[0]?.Length == 0 && Nullable.GetUnderlyingType(property.Type) is not null)
        {
            property.Set(request, Config.BindingSettings.UseDefaultValuesForNullableProps ? parsed.Value : null);
        }
        else
        {
            failures.Add(new(name, Config.BindingSettings.FailureMessage(property.Type, name, value)));
        }
    }

    private static void BindHeaders(TRequest request, HttpContext context, List<ValidationFailure> failures)
    {
        foreach (var (header, isRequired, property) in s_headers)
        {
            var value = context.Request.Headers[header];
            if (value.Count == 0)
            {
                if (isRequired)
                {
                    failures.Add(new(header, "This header is missing from the request!"));
                }

                continue;
            }

            var parsed = property.Parse(value);
            property.Set(request, parsed.Value);
            if (!parsed.IsSuccess)
            {
                failures.Add(new(header, $"Unable to bind header value [{value}] to a [{property.Type.Name}] property!"));
            }
        }
    }

    // (request, value) => request.Property = (TProperty)value; a null sets a value type to its default.
    private static Action<TRequest, object?> SetterOf(PropertyInfo property)
    {
        var request = Expression.Parameter(typeof(TRequest));
        var value = Expression.Parameter(typeof(object));
        var typed = Expression.Condition(
            Expression.ReferenceEqual(value, Expression.Constant(null)),
            Expression.Default(property.PropertyType),
            Expression.Convert(value, property.PropertyType));
        return Expression.Lambda<Action<TRequest, object?>>(
            Expression.Assign(Expression.Property(request, property), typed), request, value).Compile();
    }

    private sealed record BoundProperty(
        Type Type, Func<StringValues, ParseResult> Parse, Action<TRequest, object?> Set, Source DisabledSources);
}

/// <summary>The properties that a request may carry.</summary>
internal static class BindableProperties
{
    public static PropertyInfo[] Of(Type request)
        => [.. request.GetProperties(BindingFlags.Public | BindingFlags.Instance | BindingFlags.FlattenHierarchy).Where(property =>
            property.GetIndexParameters().Length == 0
            && property.GetSetMethod() is not null
            && property.GetGetMethod() is not null
            && property.GetCustomAttribute<JsonIgnoreAttribute>()?.Condition != JsonIgnoreCondition.Always)];
}

/// <summary>The names under which route and query carry properties.</summary>
internal static class FieldNames
{
    public static string Of(PropertyInfo property)
        => property.GetCustomAttribute<BindFromAttribute>()?.Name
           ?? (Config.BindingSettings.UsePropertyNamingPolicy && Config.SerializerSettings.Options.PropertyNamingPolicy is { } policy
               ? policy.ConvertName(property.Name)
               : property.Name);
}

/// <summary>Makes a request that has no body: by its shortest constructor, each parameter at its default.</summary>
internal static class RequestFactory<TRequest> where TRequest : notnull
{
    private static readonly ConstructorInfo? s_constructor = typeof(TRequest)
        .GetConstructors(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
        .MinBy(constructor => constructor.GetParameters().Length);

    private static readonly object?[] s_defaults = s_constructor?.GetParameters().Select(DefaultOf).ToArray() ?? [];

    public static TRequest Create()
        => s_constructor is null ? Activator.CreateInstance<TRequest>() : (TRequest)s_constructor.Invoke([.. s_defaults]);

    private static object? DefaultOf(ParameterInfo parameter)
        => parameter.HasDefaultValue && parameter.DefaultValue is { } value ? value
            : parameter.ParameterType.IsValueType ? Activator.CreateInstance(parameter.ParameterType)
            : null;
}
