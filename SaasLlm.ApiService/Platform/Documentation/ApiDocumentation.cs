using Microsoft.OpenApi;
using SaasLlm.ApiService.Platform.Access;

namespace SaasLlm.ApiService.Platform.Documentation;

/// <summary>The OpenAPI document at <c>/openapi/v1.json</c> and Swagger UI at <c>/docs</c>, both open to anybody.</summary>
internal static class ApiDocumentation
{
    public const string AdminKeyScheme = "AdminKey";
    public const string TeamKeyScheme = "TeamKey";

    private const string DocumentName = "v1";

    public static void AddApiDocumentation(this IServiceCollection services)
        => services.AddOpenApi(DocumentName, openApi =>
        {
            openApi.AddDocumentTransformer((document, _, _) => DescribeProduct(document));
            openApi.AddOperationTransformer(OperationDescriber.DescribeAsync);
            openApi.AddSchemaTransformer(BodySchemas.CorrectAsync);
        });

    public static void MapApiDocumentation(this WebApplication app)
    {
        app.MapOpenApi("/openapi/{documentName}.json").AllowAnonymous();
        app.UseSwaggerUI(ui =>
        {
            ui.RoutePrefix = "docs";
            ui.DocumentTitle = "SaasLlm API";
            ui.SwaggerEndpoint($"/openapi/{DocumentName}.json", "SaasLlm API");
        });
        app.MapGet("/", () => Results.Redirect("/docs")).AllowAnonymous().ExcludeFromDescription();
    }

    private static Task DescribeProduct(OpenApiDocument document)
    {
        document.Info = new()
        {
            Title = "SaasLlm API",
            Version = DocumentName,
            Description = "Jobs of many LLM calls, paid in credits, once, only if they succeed.",
        };
        document.Components ??= new();
        document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
        {
            [AdminKeyScheme] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.ApiKey,
                In = ParameterLocation.Header,
                Name = KeyAuthentication.AdminHeader,
                Description = "The operator's key.",
            },
            [TeamKeyScheme] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.Http,
                Scheme = "bearer",
                Description = "A team's virtual key, sk-…",
            },
        };
        UnusedSchemas.Drop(document);
        return Task.CompletedTask;
    }
}
