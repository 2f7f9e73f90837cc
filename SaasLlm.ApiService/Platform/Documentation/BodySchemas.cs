using System.Text.Json.Serialization.Metadata;
using FastEndpoints;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using SaasLlm.ApiService.Platform.Json;
using ProblemDetails = Microsoft.AspNetCore.Mvc.ProblemDetails;

namespace SaasLlm.ApiService.Platform.Documentation;

/// <summary>Corrects what the schema generator cannot see.</summary>
internal static class BodySchemas
{
    public static Task CorrectAsync(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken cancellation)
    {
        if (context.JsonTypeInfo.Type == typeof(ProblemDetails))
        {
            ProblemSchema.Describe(schema);
            return Task.CompletedTask;
        }

        NameTheType(schema, context.JsonTypeInfo.Type);
        NameTheElements(schema, context.JsonTypeInfo);

        foreach (var property in context.JsonTypeInfo.Properties)
        {
            if (schema.Properties?.ContainsKey(property.Name) is true
                && property.AttributeProvider?.GetCustomAttributes(typeof(BodySchemaAttribute), inherit: true) is [BodySchemaAttribute own, ..])
            {
                schema.Properties[property.Name] = own.Create();
            }

            // A request type also carries what comes from the route, the query and headers.
            if (IsNotInTheBody(property))
            {
                schema.Properties?.Remove(property.Name);
                schema.Required?.Remove(property.Name);
            }
            else if ((property.IsSetNullable && context.JsonTypeInfo.Type.Name.EndsWith("Request", StringComparison.Ordinal))
                     || OptionalConverterFactory.ValueTypeOf(property.PropertyType) is not null)
            {
                schema.Required?.Remove(property.Name);
            }
        }

        return Task.CompletedTask;
    }

    // A type with a converter of ours has no type in its schema.
    private static void NameTheType(OpenApiSchema schema, Type type)
    {
        var value = OptionalConverterFactory.ValueTypeOf(type);
        var underlying = Nullable.GetUnderlyingType(value ?? type) ?? value ?? type;
        var nullable = value is not null ? JsonSchemaType.Null : (schema.Type ?? 0) & JsonSchemaType.Null;
        if (underlying == typeof(decimal))
        {
            schema.Type = JsonSchemaType.Number | nullable;
            schema.Format = null; // exact, not a double
        }
        else if (value is not null && underlying == typeof(int))
        {
            schema.Type = JsonSchemaType.Integer | nullable;
        }
        else if (underlying == typeof(string) || underlying == typeof(DateTimeOffset))
        {
            schema.Type = JsonSchemaType.String | nullable;
        }
    }

    private static void NameTheElements(OpenApiSchema schema, JsonTypeInfo list)
    {
        if (list.ElementType is not { } element
            || (element != typeof(string) && element != typeof(decimal) && element != typeof(DateTimeOffset)))
        {
            return;
        }

        var elements = new OpenApiSchema();
        NameTheType(elements, element);
        if (list.Kind is JsonTypeInfoKind.Enumerable)
        {
            schema.Items ??= elements;
        }
        else if (list.Kind is JsonTypeInfoKind.Dictionary)
        {
            schema.AdditionalProperties ??= elements;
        }
    }

    private static bool IsNotInTheBody(JsonPropertyInfo property)
        => property.AttributeProvider is { } attributes
           && (attributes.IsDefined(typeof(RouteParamAttribute), inherit: true)
               || attributes.IsDefined(typeof(QueryParamAttribute), inherit: true)
               || attributes.IsDefined(typeof(FromHeaderAttribute), inherit: true));
}
