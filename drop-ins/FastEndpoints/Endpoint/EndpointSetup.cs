using System.Diagnostics.CodeAnalysis;
using System.Linq.Expressions;
using FluentValidation;
using FluentValidation.Internal;
using FluentValidation.Results;
using Microsoft.AspNetCore.Builder;

namespace FastEndpoints;

// What Configure may say, and what a handler may say of faults.
public abstract partial class Endpoint<TRequest, TResponse>
{
    public sealed override void Verbs(params string[] methods)
        => Definition.Verbs = [.. methods.Select(method => method.ToUpperInvariant())];

    public void Verbs(params Http[] methods) => Verbs([.. methods.Select(method => method.ToString())]);

    public sealed override void Routes([StringSyntax("Route")] params string[] patterns) => Definition.Routes = patterns;

    protected void Get([StringSyntax("Route")] params string[] routePatterns) => Map(Http.GET, routePatterns);

    protected void Post([StringSyntax("Route")] params string[] routePatterns) => Map(Http.POST, routePatterns);

    protected void Put([StringSyntax("Route")] params string[] routePatterns) => Map(Http.PUT, routePatterns);

    protected void Patch([StringSyntax("Route")] params string[] routePatterns) => Map(Http.PATCH, routePatterns);

    protected void Delete([StringSyntax("Route")] params string[] routePatterns) => Map(Http.DELETE, routePatterns);

    protected void Group<TEndpointGroup>() where TEndpointGroup : Group, new()
    {
        if (Definition.Routes.Length == 0)
        {
            throw new InvalidOperationException($"Endpoint group can only be specified after the route has been configured in the endpoint [{Definition.EndpointType.FullName}]");
        }

        Definition.Group<TEndpointGroup>();
    }

    protected void AllowAnonymous(params Http[] verbs) => Definition.AllowAnonymous(verbs);

    protected void Policies(params string[] policyNames) => Definition.Policies(policyNames);

    protected void Roles(params string[] rolesNames) => Definition.Roles(rolesNames);

    protected void Tags(params string[] endpointTags) => Definition.Tags(endpointTags);

    protected void Metadata(params object[] metadata) => Definition.Metadata(metadata);

    protected void MaxRequestBodySize(long size) => Definition.MaxRequestBodySize(size);

    protected void DontAutoSendResponse() => Definition.DontAutoSendResponse();

    protected void DontThrowIfValidationFails() => Definition.DontThrowIfValidationFails();

    protected void Options(Action<RouteHandlerBuilder> builder) => Definition.Options(builder);

    protected void Description(Action<RouteHandlerBuilder> builder, bool clearDefaults = false) => Definition.Description(builder, clearDefaults);

    protected void Summary(Action<EndpointSummary> endpointSummary) => Definition.Summary(endpointSummary);

    protected void Summary(Action<EndpointSummary<TRequest>> endpointSummary)
    {
        var summary = new EndpointSummary<TRequest>(Definition.EndpointSummary);
        endpointSummary(summary);
        Definition.SetSummary(summary);
    }

    protected void Summary(EndpointSummary endpointSummary) => Definition.SetSummary(endpointSummary);

    /// <summary>A route value; a fault is a validation failure.</summary>
    protected T? Route<T>([StringSyntax("Route")] string paramName, bool isRequired = true)
        => Read<T>(paramName, HttpContext.Request.RouteValues[paramName]?.ToString(), isRequired, "Route parameter", "route parameter");

    /// <summary>A query value; a fault is a validation failure.</summary>
    protected T? Query<T>(string paramName, bool isRequired = true)
        => Read<T>(paramName, HttpContext.Request.Query.TryGetValue(paramName, out var values) ? values.ToString() : null, isRequired, "Query parameter", "query parameter");

    public void AddError(ValidationFailure failure) => ValidationFailures.Add(failure);

    public void AddError(string message, string? errorCode = null, Severity severity = Severity.Error)
        => AddError(new ValidationFailure(Config.ErrorSettings.GeneralErrorsField, message) { ErrorCode = errorCode, Severity = severity });

    public void AddError(
        Expression<Func<TRequest, object?>> property, string errorMessage, string? errorCode = null, Severity severity = Severity.Error)
        => AddError(new ValidationFailure(PropertyChain.FromExpression(property).ToString(), errorMessage) { ErrorCode = errorCode, Severity = severity });

    public void ThrowIfAnyErrors(int? statusCode = null)
    {
        if (ValidationFailed)
        {
            throw new ValidationFailureException(ValidationFailures, "ThrowIfAnyErrors() called") { StatusCode = statusCode };
        }
    }

    [DoesNotReturn]
    public void ThrowError(ValidationFailure failure, int? statusCode = null)
    {
        AddError(failure);
        throw new ValidationFailureException(ValidationFailures, "ThrowError() called!") { StatusCode = statusCode };
    }

    [DoesNotReturn]
    public void ThrowError(string message, int? statusCode = null)
        => ThrowError(new ValidationFailure(Config.ErrorSettings.GeneralErrorsField, message), statusCode);

    [DoesNotReturn]
    public void ThrowError(Expression<Func<TRequest, object?>> property, string errorMessage, int? statusCode = null)
        => ThrowError(new ValidationFailure(PropertyChain.FromExpression(property).ToString(), errorMessage), statusCode);

    private void Map(Http verb, string[] patterns)
    {
        Verbs(verb);
        Routes(patterns);
    }

    private T? Read<T>(string name, string? value, bool isRequired, string kind, string ofKind)
    {
        if (value is not null)
        {
            var parsed = ValueParser.For(typeof(T))(value);
            if (parsed.IsSuccess)
            {
                return (T?)parsed.Value;
            }

            if (isRequired)
            {
                ValidationFailures.Add(new(name, $"Unable to read value of {ofKind}!"));
            }
        }
        else if (isRequired)
        {
            ValidationFailures.Add(new(name, $"{kind} was not found!"));
        }

        ThrowIfAnyErrors();
        return default;
    }
}
