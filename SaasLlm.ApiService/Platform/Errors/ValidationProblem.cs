using System.Text.Json;
using FluentValidation.Results;

namespace SaasLlm.ApiService.Platform.Errors;

/// <summary>Turns what validation and binding found into a problem document with <c>errors</c> by field, named as in JSON.</summary>
internal static class ValidationProblem
{
    public static object From(List<ValidationFailure> failures, HttpContext context, int status)
    {
        // An id in the route that cannot be one names nothing.
        if (failures.Any(failure => failure.PropertyName is { } name && context.Request.RouteValues.ContainsKey(FieldName(name))))
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return Problem.Document(context, StatusCodes.Status404NotFound, "resource.not_found", "There is nothing of that name.");
        }

        var errors = failures
            .GroupBy(failure => FieldName(failure.PropertyName))
            .ToDictionary(field => field.Key, field => field.Select(failure => failure.ErrorMessage).Distinct().ToArray());
        var (code, title) = status == StatusCodes.Status400BadRequest
            ? ("request.malformed", "The request could not be read.")
            : ("request.invalid", "The request is not valid.");
        return Problem.Document(context, status, code, title, new Dictionary<string, object?> { ["errors"] = errors });
    }

    /// <summary><c>Models[0].ModelName</c> → <c>models[0].model_name</c>.</summary>
    private static string FieldName(string? property)
        => string.IsNullOrEmpty(property) ? "body" : string.Join('.', property.Split('.').Select(JsonNamingPolicy.SnakeCaseLower.ConvertName));
}
