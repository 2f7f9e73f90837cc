using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using FastEndpoints;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using SaasLlm.ApiService.Platform.Access;

namespace SaasLlm.Tests.Platform;

/// <summary>What every route of the product must have, walked.</summary>
public sealed class EveryRouteTests(ProductApp product) : IClassFixture<ProductApp>
{
    // Routes that are no endpoints of ours, each open to anybody on purpose.
    private static readonly string[] s_open = ["/", "/health", "/alive", "/openapi/{documentName}.json", "_test_url_cache_"];

    private IEnumerable<(string Name, RouteEndpoint Route, EndpointDefinition Definition)> Endpoints
        => product.Routes
            .Select(route => (Route: route, Definition: route.Metadata.GetMetadata<EndpointDefinition>()!))
            .Where(route => route.Definition is not null)
            .Select(route => ($"{string.Join(',', route.Definition.Verbs)} {route.Route.RoutePattern.RawText}", route.Route, route.Definition));

    [Fact]
    public void There_are_routes_to_walk() => Assert.InRange(Endpoints.Count(), 20, 200);

    // Its tag and its prefix come from its group.
    [Fact]
    public void Every_endpoint_has_a_group()
        => AssertNone(Endpoints.Where(e => e.Route.Metadata.GetMetadata<ITagsMetadata>() is not { Tags.Count: 1 }
                                           || !e.Route.RoutePattern.RawText!.StartsWith("/api/", StringComparison.Ordinal)
                                           && !e.Route.RoutePattern.RawText.StartsWith("/v1/", StringComparison.Ordinal)));

    [Fact]
    public void Every_endpoint_has_a_summary()
        => AssertNone(Endpoints.Where(e => string.IsNullOrWhiteSpace(e.Definition.EndpointSummary?.Summary)));

    [Fact]
    public void Every_endpoint_states_its_policy()
        => AssertNone(Endpoints.Where(e =>
            e.Route.Metadata.GetMetadata<IAllowAnonymous>() is null
            && !e.Route.Metadata.GetOrderedMetadata<IAuthorizeData>().Any(data => data.Policy is Policies.Operator or Policies.TeamOrOperator)));

    [Fact]
    public void No_other_route_is_open_unnoticed()
        => Assert.Equal([], product.Routes
            .Where(route => route.Metadata.GetMetadata<EndpointDefinition>() is null)
            .Select(route => route.RoutePattern.RawText!)
            .Except(s_open));

    [Fact]
    public async Task Every_endpoint_refuses_a_caller_without_a_key_and_one_with_a_wrong_key()
    {
        var wrong = new List<string>();
        foreach (var (name, route, definition) in Endpoints.Where(e => e.Route.Metadata.GetMetadata<IAllowAnonymous>() is null))
        {
            foreach (var verb in definition.Verbs)
            {
                foreach (var key in new[] { null, "wrong" })
                {
                    using var request = new HttpRequestMessage(new(verb), PathOf(route)) { Content = JsonContent.Create(new { }) };
                    if (key is not null)
                    {
                        request.Headers.Add("X-Admin-Key", key);
                    }

                    using var response = await product.Client.SendAsync(request);
                    if (response.StatusCode != HttpStatusCode.Unauthorized)
                    {
                        wrong.Add($"{name} with {key ?? "no key"}: {(int)response.StatusCode}");
                    }
                }
            }
        }

        Assert.Equal([], wrong);
    }

    [Fact]
    public async Task Every_operation_is_documented_with_an_example()
    {
        var document = await product.Client.GetFromJsonAsync<JsonElement>("/openapi/v1.json");

        var lacking = new List<string>();
        var operations = 0;
        foreach (var path in document.GetProperty("paths").EnumerateObject())
        {
            foreach (var operation in path.Value.EnumerateObject())
            {
                operations++;
                lacking.AddRange(LackingIn(operation.Value).Select(lack => $"{operation.Name} {path.Name}: {lack}"));
            }
        }

        Assert.Equal([], lacking);
        Assert.Equal(Endpoints.Count(), operations);
    }

    [Fact]
    public async Task Refusals_are_documented_as_they_are_written()
    {
        var document = await product.Client.GetFromJsonAsync<JsonElement>("/openapi/v1.json");

        var refusals = document.GetProperty("paths").EnumerateObject()
            .SelectMany(path => path.Value.EnumerateObject().SelectMany(operation => operation.Value.GetProperty("responses").EnumerateObject().Select(response => (Path: path.Name, Response: response))))
            .Where(refusal => string.CompareOrdinal(refusal.Response.Name, "400") >= 0).ToList();

        Assert.Equal([], refusals.Where(refusal => !refusal.Response.Value.GetProperty("content").TryGetProperty(Answer.RefusalTypeOf(refusal.Path), out _)).Select(refusal => $"{refusal.Path} {refusal.Response.Name}"));
        Assert.Contains(refusals, refusal => refusal.Path.StartsWith("/v1/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Every_POST_shows_the_Idempotency_Key_and_nothing_else_does()
    {
        var document = await product.Client.GetFromJsonAsync<JsonElement>("/openapi/v1.json");

        foreach (var path in document.GetProperty("paths").EnumerateObject())
        {
            foreach (var operation in path.Value.EnumerateObject())
            {
                var isShown = operation.Value.TryGetProperty("parameters", out var parameters) && parameters.EnumerateArray().Any(
                    parameter => (parameter.GetProperty("in").GetString(), parameter.GetProperty("name").GetString()) == ("header", "Idempotency-Key"));
                Assert.Equal((path.Name, operation.Name, operation.Name == "post"), (path.Name, operation.Name, isShown));
                Assert.True(!isShown || operation.Value.GetProperty("responses").TryGetProperty("409", out _), $"{path.Name}: no 409");
            }
        }
    }

    private static IEnumerable<string> LackingIn(JsonElement operation)
    {
        if (!operation.TryGetProperty("summary", out var summary) || string.IsNullOrWhiteSpace(summary.GetString()))
        {
            yield return "no summary";
        }

        if (operation.TryGetProperty("requestBody", out var body) && !HasExample(body))
        {
            yield return "no example of the request";
        }

        var responses = operation.GetProperty("responses");
        foreach (var response in responses.EnumerateObject().Where(response => response.Name[0] == '2'))
        {
            if (response.Value.TryGetProperty("content", out _) && !HasExample(response.Value))
            {
                yield return $"no example of {response.Name}";
            }
        }

        if (!responses.EnumerateObject().Any(response => response.Name[0] == '2'))
        {
            yield return "no success";
        }
    }

    private static bool HasExample(JsonElement described)
        => described.GetProperty("content").EnumerateObject().Any(media => media.Value.TryGetProperty("example", out _));

    private static string PathOf(RouteEndpoint route)
        => string.Join('/', route.RoutePattern.PathSegments.Select(segment =>
            "/" + string.Concat(segment.Parts.Select(part => part is Microsoft.AspNetCore.Routing.Patterns.RoutePatternLiteralPart literal ? literal.Content : Guid.Empty.ToString()))))
            .Replace("//", "/", StringComparison.Ordinal);

    private static void AssertNone(IEnumerable<(string Name, RouteEndpoint Route, EndpointDefinition Definition)> lacking)
        => Assert.Equal([], lacking.Select(endpoint => endpoint.Name));
}
