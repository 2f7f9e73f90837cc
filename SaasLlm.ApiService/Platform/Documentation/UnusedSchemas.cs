using Microsoft.OpenApi;

namespace SaasLlm.ApiService.Platform.Documentation;

/// <summary>Drops the schemas that no operation refers to: requests that come from the route and the query alone.</summary>
internal static class UnusedSchemas
{
    public static void Drop(OpenApiDocument document)
    {
        if (document.Components?.Schemas is not { } schemas)
        {
            return;
        }

        var used = new HashSet<string>();
        foreach (var operation in document.Paths.Values.SelectMany(path => path.Operations ?? []).Select(operation => operation.Value))
        {
            var contents = (operation.Responses ?? []).Select(response => response.Value.Content).Append(operation.RequestBody?.Content);
            foreach (var schema in contents.SelectMany(content => content?.Values ?? []).Select(media => media.Schema)
                         .Concat((operation.Parameters ?? []).Select(parameter => parameter.Schema)))
            {
                Mark(schema, schemas, used);
            }
        }

        foreach (var name in schemas.Keys.Except(used).ToArray())
        {
            schemas.Remove(name);
        }
    }

    private static void Mark(IOpenApiSchema? schema, IDictionary<string, IOpenApiSchema> schemas, HashSet<string> used)
    {
        if (schema is OpenApiSchemaReference { Reference.Id: { } name })
        {
            if (used.Add(name))
            {
                Mark(schemas.TryGetValue(name, out var target) ? target : null, schemas, used);
            }

            return;
        }

        if (schema is null)
        {
            return;
        }

        foreach (var part in (schema.Properties?.Values ?? [])
                     .Concat(schema.OneOf ?? []).Concat(schema.AnyOf ?? []).Concat(schema.AllOf ?? [])
                     .Append(schema.Items).Append(schema.AdditionalProperties))
        {
            Mark(part, schemas, used);
        }
    }
}
