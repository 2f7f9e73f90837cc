using Microsoft.AspNetCore.Authorization;
using Microsoft.OpenApi;
using SaasLlm.ApiService.Platform.Idempotency;
using SaasLlm.Core.Idempotency;

namespace SaasLlm.ApiService.Platform.Documentation;

/// <summary>Shows <c>Idempotency-Key</c> where it is obeyed.</summary>
internal static class KeyParameter
{
    public static void Describe(OpenApiOperation operation, string? method, IList<object> metadata)
    {
        if (method != "POST" || metadata.OfType<IAllowAnonymous>().Any())
        {
            return;
        }

        operation.Parameters ??= [];
        operation.Parameters.Add(new OpenApiParameter
        {
            Name = IdempotencyMiddleware.Header,
            In = ParameterLocation.Header,
            Required = false,
            Description = "Makes a repeat safe for 24 hours: the same key and request get the same answer, with "
                + $"`{IdempotencyMiddleware.ReplayedHeader}: true`; another body is 409 `idempotency.key_reused`.",
            Schema = new OpenApiSchema
            {
                Type = JsonSchemaType.String,
                Pattern = "^[!-~]+$",
                MinLength = 1,
                MaxLength = KeyedRequest.KeyLengthMax,
            },
        });
        operation.Responses ??= [];
        operation.Responses.TryAdd("409", new OpenApiResponse { Description = "Conflict" });
    }
}
