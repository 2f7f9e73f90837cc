using System.Text.Json.Serialization.Metadata;
using FastEndpoints;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace SaasLlm.ApiService.Platform.Documentation;

/// <summary>Corrects what the schema generator cannot see.</summary>
internal static class BodySchemas
{
    public static Task CorrectAsync(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken cancellation)
    {
        NameTheType(schema, context.JsonTypeInfo.Type);
        foreach (var property in context.JsonTypeInfo.Properties)
        {
            // A request type also carries what comes from the route, the query and headers.
            if (IsNotInTheBody(property))
            {
                schema.Properties?.Remove(property.Name);
                schema.Required?.Remove(property.Name);
            }
            else if (property.IsSetNullable && context.JsonTypeInfo.Type.Name.EndsWith("Request", StringComparison.Ordinal))
            {
                schema.Required?.Remove(property.Name);
            }
        }

        return Task.CompletedTask;
    }

    // A type with a converter of ours has no type in its schema.
    private static void NameTheType(OpenApiSchema schema, Type type)
    {
        var underlying = Nullable.GetUnderlyingType(type) ?? type;
        var nullable = (schema.Type ?? 0) & JsonSchemaType.Null;
        if (underlying == typeof(decimal))
        {
            schema.Type = JsonSchemaType.Number | nullable;
            schema.Format = null; // exact, not a double
        }
        else if (underlying == typeof(string) || underlying == typeof(DateTimeOffset))
        {
            schema.Type = JsonSchemaType.String | nullable;
        }
    }

    private static bool IsNotInTheBody(JsonPropertyInfo property)
        => property.AttributeProvider is { } attributes
           && (attributes.IsDefined(typeof(RouteParamAttribute), inherit: true)
               || attributes.IsDefined(typeof(QueryParamAttribute), inherit: true)
               || attributes.IsDefined(typeof(FromHeaderAttribute), inherit: true));
}
