using System.Text.Json;
using System.Text.Json.Serialization;
using FluentValidation.Results;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace FastEndpoints;

/// <summary>Settings of the process; the first <c>UseFastEndpoints</c> sets them, as in the library.</summary>
public sealed class Config
{
    internal static EndpointOptions EndpointSettings { get; } = new();

    internal static ErrorOptions ErrorSettings { get; } = new();

    internal static BindingOptions BindingSettings { get; } = new();

    internal static SerializerOptions SerializerSettings { get; } = new();

    internal static ValidationOptions ValidationSettings { get; } = new();

#pragma warning disable CA1822 // Instance members, as in the library.
    public EndpointOptions Endpoints => EndpointSettings;

    public ErrorOptions Errors => ErrorSettings;

    public BindingOptions Binding => BindingSettings;

    public SerializerOptions Serializer => SerializerSettings;

    public ValidationOptions Validation => ValidationSettings;
#pragma warning restore CA1822
}

/// <summary>Settings of all endpoints.</summary>
public sealed class EndpointOptions
{
    /// <summary>Runs over each endpoint's definition.</summary>
    public Action<EndpointDefinition>? Configurator { internal get; set; }

    public string? RoutePrefix { internal get; set; }

    /// <summary>Which endpoints to map.</summary>
    public Func<EndpointDefinition, bool>? Filter { internal get; set; }

    public bool ShortNames { internal get; set; }
}

/// <summary>How refusals look.</summary>
public sealed class ErrorOptions
{
    public int StatusCode { internal get; set; } = 400;

    public string ContentType { internal get; set; } = "application/problem+json";

    public Type? ProducesMetadataType { internal get; set; } = typeof(ErrorResponse);

    public string GeneralErrorsField { internal get; set; } = "GeneralErrors";

    public Func<List<ValidationFailure>, HttpContext, int, object> ResponseBuilder { internal get; set; }
        = (failures, _, statusCode) => new ErrorResponse(failures, statusCode);
}

/// <summary>How requests are bound.</summary>
public sealed class BindingOptions
{
    /// <summary>Route and query names follow the JSON naming policy.</summary>
    public bool UsePropertyNamingPolicy { get; set; }

    /// <summary>An empty value of a nullable property is its type's default; otherwise null.</summary>
    public bool UseDefaultValuesForNullableProps { internal get; set; } = true;

    public Func<Type, string, StringValues, string> FailureMessage { internal get; set; }
        = (type, _, attempted) => $"Value [{attempted}] is not valid for a [{(Nullable.GetUnderlyingType(type) ?? type).Name}] property!";

    public Func<JsonException, ValidationFailure>? JsonExceptionTransformer { internal get; set; }
        = exception => new(
            exception.Path is null or "$" || exception.Path.StartsWith("$[", StringComparison.Ordinal)
                ? Config.SerializerSettings.SerializerErrorsField
                : exception.Path[2..],
            exception.InnerException?.Message ?? exception.Message);

    public int JsonExceptionStatusCode { internal get; set; } = 400;
}

/// <summary>How JSON is read and written; starts as the application's own JSON options.</summary>
public sealed class SerializerOptions
{
    public JsonSerializerOptions Options { get; internal set; } = new();

    public string SerializerErrorsField { internal get; set; } = "SerializerErrors";

    /// <summary>The charset that content types name; null for none.</summary>
    public string? CharacterEncoding { internal get; set; } = "utf-8";

    public Func<HttpRequest, Type, JsonSerializerContext?, CancellationToken, ValueTask<object?>> RequestDeserializer { internal get; set; }
        = (request, type, context, cancellation)
            => request.ReadFromJsonAsync(type, context?.Options ?? Config.SerializerSettings.Options, cancellation);

    public Func<HttpResponse, object?, string, JsonSerializerContext?, CancellationToken, Task> ResponseSerializer { internal get; set; }
        = (response, value, contentType, context, cancellation) => value is null
            ? Task.CompletedTask
            : response.WriteAsJsonAsync(
                value, context?.Options ?? Config.SerializerSettings.Options, Config.SerializerSettings.WithCharset(contentType), cancellation);

    private string WithCharset(string contentType) => CharacterEncoding is null ? contentType : $"{contentType}; charset={CharacterEncoding}";
}

/// <summary>How validators name fields.</summary>
public sealed class ValidationOptions
{
    public bool UsePropertyNamingPolicy { get; set; } = true;
}

/// <summary>The library's default refusal.</summary>
public sealed class ErrorResponse
{
    public ErrorResponse()
    {
    }

    public ErrorResponse(List<ValidationFailure> failures, int statusCode = 400)
    {
        StatusCode = statusCode;
        var policy = Config.SerializerSettings.Options.PropertyNamingPolicy;
        Errors = failures
            .GroupBy(failure => policy?.ConvertName(failure.PropertyName) ?? failure.PropertyName)
            .ToDictionary(field => field.Key, field => field.Select(failure => failure.ErrorMessage).ToList());
    }

    public int StatusCode { get; set; }

    public string Message { get; set; } = "One or more errors occurred!";

    public Dictionary<string, List<string>> Errors { get; set; } = [];
}
