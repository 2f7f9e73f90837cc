using Microsoft.AspNetCore.Mvc;
using Microsoft.OpenApi;
using SaasLlm.ApiService.Platform.Errors;

namespace SaasLlm.ApiService.Platform.Documentation;

/// <summary>The document's description of refusals: every one is a problem document with our members.</summary>
internal static class ProblemSchema
{
    /// <summary>Gives <see cref="ProblemDetails"/> the members that <see cref="Problem"/> writes.</summary>
    public static void Describe(OpenApiSchema schema)
    {
        schema.Description = "Problem details (RFC 9457). Decide by code: it is stable.";
        schema.Required = new HashSet<string> { "type", "title", "status", "code", "trace_id" };
        schema.Properties = new Dictionary<string, IOpenApiSchema>
        {
            ["type"] = Text("urn:saasllm:problem:<code>"),
            ["title"] = Text("One sentence for people."),
            ["status"] = new OpenApiSchema { Type = JsonSchemaType.Integer },
            ["code"] = Text("For example credits.insufficient."),
            ["trace_id"] = Text("Name it when you report the problem."),
            ["errors"] = new OpenApiSchema
            {
                Type = JsonSchemaType.Object,
                Description = "What was refused, by field; with 400 and 422.",
                AdditionalProperties = new OpenApiSchema { Type = JsonSchemaType.Array, Items = Text(null) },
            },
        };
        schema.AdditionalProperties = new OpenApiSchema();
    }

    /// <summary>Sorts an operation's answers by status, and gives each refusal without a body the problem's.</summary>
    public static void Complete(OpenApiOperation operation, OpenApiDocument? document)
    {
        var responses = new OpenApiResponses();
        foreach (var (status, response) in (operation.Responses ?? []).OrderBy(response => response.Key, StringComparer.Ordinal))
        {
            responses.Add(status, response);
            if (string.CompareOrdinal(status, "400") >= 0 && response is OpenApiResponse { Content: null or { Count: 0 } } refusal)
            {
                refusal.Content = new Dictionary<string, OpenApiMediaType>
                {
                    [Problem.ContentType] = new() { Schema = new OpenApiSchemaReference(nameof(ProblemDetails), document) },
                };
            }
        }

        operation.Responses = responses;
    }

    private static OpenApiSchema Text(string? description) => new() { Type = JsonSchemaType.String, Description = description };
}
