using System.Linq.Expressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace FastEndpoints;

/// <summary>What the documentation says of an endpoint.</summary>
public class EndpointSummary
{
    public string Summary { get; set; } = null!;

    public string Description { get; set; } = null!;

    public ICollection<RequestExample> RequestExamples { get; protected set; } = [];

    public object? ExampleRequest
    {
        get => RequestExamples.FirstOrDefault()?.Value;
        set => RequestExamples.Add(new(value ?? throw new ArgumentNullException(nameof(value))));
    }

    public Dictionary<string, string> Params { get; set; } = [];

    public Dictionary<int, string> Responses { get; set; } = [];

    public Dictionary<int, object> ResponseExamples { get; set; } = [];

    public string this[int statusCode]
    {
        get => Responses[statusCode];
        set => Responses[statusCode] = value;
    }
}

/// <summary>The same, with the request's type.</summary>
public class EndpointSummary<TRequest> : EndpointSummary where TRequest : notnull
{
    public EndpointSummary(EndpointSummary? summary = null)
    {
        if (summary is null)
        {
            return;
        }

        Summary = summary.Summary;
        Description = summary.Description;
        RequestExamples = summary.RequestExamples;
        Params = summary.Params;
        Responses = summary.Responses;
        ResponseExamples = summary.ResponseExamples;
    }

    public new TRequest? ExampleRequest
    {
        get => (TRequest?)base.ExampleRequest;
        set => base.ExampleRequest = value;
    }

    /// <summary>Describes one property of the request.</summary>
    public void RequestParam(Expression<Func<TRequest, object?>> property, string description)
    {
        var body = property.Body is UnaryExpression conversion ? conversion.Operand : property.Body;
        Params[((MemberExpression)body).Member.Name] = description;
    }
}

/// <summary>One example of a request.</summary>
public sealed class RequestExample(object value, string label = "Example", string? summary = null, string? description = null)
{
    public string? Summary { get; init; } = summary;

    public string? Description { get; init; } = description;

    public object Value { get; init; } = value;

    public string Label { get; internal set; } = label;
}

/// <summary>What is true of several endpoints, said once.</summary>
public abstract class Group
{
    internal Action<EndpointDefinition> Action { get; set; } = null!;

    protected virtual void Configure(string routePrefix, Action<EndpointDefinition> ep)
        => Action = definition =>
        {
            definition.Routes = [.. definition.Routes.Select(route =>
                routePrefix + (routePrefix.EndsWith('/') || route.StartsWith('/') ? "" : "/") + route)];
            ep(definition);
        };
}

/// <summary>The methods of HTTP.</summary>
public enum Http
{
    GET = 1,
    POST = 2,
    PUT = 3,
    PATCH = 4,
    DELETE = 5,
    HEAD = 6,
    OPTIONS = 7,
}
