using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using FastEndpoints;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.OpenApi;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Json;

namespace SaasLlm.ApiService.Platform.Documentation;

/// <summary>Carries an endpoint's summary, examples, query parameters and policy into its OpenAPI operation.</summary>
internal static class OperationDescriber
{
    public static async Task DescribeAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellation)
    {
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        if (metadata.OfType<EndpointDefinition>().FirstOrDefault() is not { } endpoint)
        {
            return;
        }

        operation.OperationId = endpoint.EndpointType.Name;
        operation.Summary = endpoint.EndpointSummary?.Summary;
        operation.Description = endpoint.EndpointSummary?.Description;
        DescribeAccess(operation, context.Document, metadata);
        DescribeBody(operation, endpoint, context.Description.HttpMethod);
        KeyParameter.Describe(operation, context.Description.HttpMethod, metadata);
        ProblemSchema.Complete(operation, context.Document);
        var isOpenAi = OpenAiErrorSchema.Complete(operation, context.Description.RelativePath ?? "");
        CallAnswers.Describe(operation, context.Document, metadata, isOpenAi);
        DescribeResponses(operation, endpoint.EndpointSummary);
        AddRouteParameters(operation, context.Description.RelativePath ?? "");
        await AddQueryParametersAsync(operation, endpoint, context, cancellation);
        foreach (var parameter in operation.Parameters?.OfType<OpenApiParameter>() ?? [])
        {
            parameter.Description ??= endpoint.EndpointSummary?.Params.GetValueOrDefault(parameter.Name ?? "");
        }
    }

    private static void DescribeAccess(OpenApiOperation operation, OpenApiDocument? document, IList<object> metadata)
    {
        if (metadata.OfType<IAllowAnonymous>().Any())
        {
            return;
        }

        var policies = metadata.OfType<IAuthorizeData>().Select(authorize => authorize.Policy).ToHashSet();
        operation.Security = [new() { [new(ApiDocumentation.AdminKeyScheme, document)] = [] }];
        if (!policies.Contains(Policies.Operator))
        {
            operation.Security.Add(new() { [new(ApiDocumentation.TeamKeyScheme, document)] = [] });
        }
    }

    private static void DescribeBody(OpenApiOperation operation, EndpointDefinition endpoint, string? method)
    {
        if (method is "GET" or "DELETE" || operation.RequestBody?.Content?.TryGetValue("application/json", out var body) is not true)
        {
            operation.RequestBody = null;
            return;
        }

        if (endpoint.EndpointSummary?.RequestExamples.FirstOrDefault() is { } example)
        {
            body.Example = Node(example.Value);
        }
    }

    private static void DescribeResponses(OpenApiOperation operation, EndpointSummary? summary)
    {
        foreach (var (status, response) in operation.Responses ?? [])
        {
            if (!int.TryParse(status, out var code) || response is not OpenApiResponse described)
            {
                continue;
            }

            if (summary is not null && summary.Responses.TryGetValue(code, out var description))
            {
                described.Description = description;
            }

            if (summary is not null && summary.ResponseExamples.TryGetValue(code, out var example)
                && described.Content?.Values.FirstOrDefault() is { } media)
            {
                media.Example = Node(example);
            }
        }
    }

    private static void AddRouteParameters(OpenApiOperation operation, string path)
    {
        foreach (var name in RoutePatternFactory.Parse(path).Parameters.Select(parameter => parameter.Name))
        {
            operation.Parameters ??= [];
            if (operation.Parameters.All(known => known.Name != name))
            {
                operation.Parameters.Add(new OpenApiParameter
                {
                    Name = name,
                    In = ParameterLocation.Path,
                    Required = true,
                    Schema = new OpenApiSchema { Type = JsonSchemaType.String },
                });
            }
        }
    }

    private static async Task AddQueryParametersAsync(
        OpenApiOperation operation, EndpointDefinition endpoint, OpenApiOperationTransformerContext context, CancellationToken cancellation)
    {
        foreach (var property in endpoint.ReqDtoType.GetProperties().Where(p => p.IsDefined(typeof(QueryParamAttribute))))
        {
            var name = property.GetCustomAttribute<BindFromAttribute>()?.Name ?? JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name);
            operation.Parameters ??= [];
            operation.Parameters.Add(new OpenApiParameter
            {
                Name = name,
                In = ParameterLocation.Query,
                Required = false,
                Schema = await context.GetOrCreateSchemaAsync(property.PropertyType, cancellationToken: cancellation),
            });
        }
    }

    private static JsonNode? Node(object? example) => JsonSerializer.SerializeToNode(example, ApiJson.Options);
}
