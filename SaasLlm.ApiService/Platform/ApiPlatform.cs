using System.Reflection;
using System.Text.Json;
using FastEndpoints;
using FluentValidation.Results;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection.Extensions;
using SaasLlm.ApiService.Llm;
using SaasLlm.ApiService.OpenAi;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Documentation;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Idempotency;
using SaasLlm.ApiService.Platform.Json;

namespace SaasLlm.ApiService.Platform;

/// <summary>What all endpoints share: access, errors, JSON, documentation.</summary>
internal static class ApiPlatform
{
    /// <summary>Bytes of a body where an endpoint sets no limit of its own.</summary>
    public const int BodyBytesMax = 1024 * 1024;

    /// <param name="endpoints">Where the endpoints are; left out, in this assembly.</param>
    public static void AddApiPlatform(this WebApplicationBuilder builder, Assembly? endpoints = null)
    {
        var services = builder.Services;
        services.Configure<KestrelServerOptions>(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = BodyBytesMax;
        });
        services.AddOptions<AccessOptions>().BindConfiguration(AccessOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.TryAddSingleton(TimeProvider.System);
        // Not AddAuthentication: it brings data protection, whose key files nothing here needs.
        services.AddAuthenticationCore(options => options.DefaultScheme = KeyAuthentication.SchemeName).AddWebEncoders();
        new AuthenticationBuilder(services).AddScheme<AuthenticationSchemeOptions, KeyAuthentication>(KeyAuthentication.SchemeName, null);
        services.AddAuthorization(Policies.Configure);
        services.AddExceptionHandler<UnhandledExceptions>();
        services.ConfigureHttpJsonOptions(json => ApiJson.Configure(json.SerializerOptions));
        services.AddFastEndpoints(discovery =>
        {
            discovery.DisableAutoDiscovery = true;
            discovery.Assemblies = [endpoints ?? typeof(ApiPlatform).Assembly];
        });
        services.AddApiDocumentation();
    }

    public static void UseApiPlatform(this WebApplication app)
    {
        app.Use(RequestClock.StartAsync);
        app.Use(OpenAiSurface.RewriteAsync);
        app.UseExceptionHandler(_ => { });
        app.UseStatusCodePages(EmptyResponses.Describe);
        // Here, and not at the front where it would stand by itself: a path may have been rewritten.
        app.UseRouting();
        app.UseAuthentication();
        app.UseAuthorization();
        app.Use(RequestGuards.Refuse);
        app.Use(RequestClock.WatchBodyAsync);
        app.Use(IdempotencyMiddleware.HandleAsync);
        app.UseFastEndpoints(Configure);
        app.MapApiDocumentation();
    }

    internal static void Configure(Config config)
    {
        config.Errors.StatusCode = StatusCodes.Status422UnprocessableEntity;
        config.Errors.ContentType = Problem.ContentType;
        config.Errors.ProducesMetadataType = null;
        config.Errors.ResponseBuilder = ValidationProblem.From;
        config.Binding.UsePropertyNamingPolicy = true;
        config.Binding.UseDefaultValuesForNullableProps = false; // ?limit= is no limit, not 0
        config.Serializer.CharacterEncoding = null; // JSON has no charset
        config.Serializer.RequestDeserializer = RequestBodies.ReadAsync;
        config.Binding.JsonExceptionTransformer = DescribeJson;
        config.Binding.FailureMessage = (_, name, _) => $"'{name}' has a value of the wrong type";
    }

    // The serializer's own sentence names .NET types; the path says enough.
    private static ValidationFailure DescribeJson(JsonException exception)
        => new(
            exception.Path is null or "$" ? "body" : exception.Path.TrimStart('$', '.'),
            exception is UnreadableValueException
                ? exception.Message.Split(" Path:")[0]
                : "is not valid JSON, not of the expected type, or there twice");
}
