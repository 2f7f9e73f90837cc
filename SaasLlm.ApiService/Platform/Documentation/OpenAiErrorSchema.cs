using Microsoft.OpenApi;
using SaasLlm.ApiService.OpenAi;

namespace SaasLlm.ApiService.Platform.Documentation;

/// <summary>The document's description of refusals where OpenAI's clients read them.</summary>
internal static class OpenAiErrorSchema
{
    /// <summary>Gives each refusal of an operation on the OpenAI surface <see cref="OpenAiError"/>'s shape.</summary>
    /// <param name="path">Without its leading slash.</param>
    /// <returns>Whether it is one.</returns>
    public static bool Complete(OpenApiOperation operation, string path)
    {
        if (!path.StartsWith("v1/", StringComparison.Ordinal))
        {
            return false;
        }

        foreach (var (status, response) in operation.Responses ?? [])
        {
            if (string.CompareOrdinal(status, "400") >= 0 && response is OpenApiResponse refusal)
            {
                refusal.Content = new Dictionary<string, OpenApiMediaType> { ["application/json"] = new() { Schema = Schema() } };
            }
        }

        return true;
    }

    private static OpenApiSchema Schema() => new()
    {
        Type = JsonSchemaType.Object,
        Required = new HashSet<string> { "error" },
        Properties = new Dictionary<string, IOpenApiSchema>
        {
            ["error"] = new OpenApiSchema
            {
                Type = JsonSchemaType.Object,
                Required = new HashSet<string> { "message", "type", "param", "code" },
                Properties = new Dictionary<string, IOpenApiSchema>
                {
                    ["message"] = Text("One sentence for people."),
                    ["type"] = Text("OpenAI's word for the kind, for example invalid_request_error."),
                    ["param"] = new OpenApiSchema { Type = JsonSchemaType.String | JsonSchemaType.Null, Description = "The field that was refused." },
                    ["code"] = Text("Stable: decide by it. For example credits.insufficient."),
                },
                AdditionalProperties = new OpenApiSchema(),
            },
        },
    };

    private static OpenApiSchema Text(string description) => new() { Type = JsonSchemaType.String, Description = description };
}
