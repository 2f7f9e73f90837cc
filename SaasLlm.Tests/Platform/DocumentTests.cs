using System.Text.Json;

namespace SaasLlm.Tests.Platform;

/// <summary>What an endpoint says of itself is in the OpenAPI document.</summary>
[Collection(PlatformCollection.Name)]
public sealed class DocumentTests(PlatformApp app)
{
    private static readonly JsonSerializerOptions s_plain = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    [Fact]
    public async Task A_summary_reaches_the_document_with_its_examples()
    {
        var operation = await OperationAsync("/probe/validated", "post");

        Assert.Equal("Validates", operation.GetProperty("summary").GetString());
        Assert.Equal("A longer sentence.", operation.GetProperty("description").GetString());
        Assert.Equal("""["Probes"]""", Compact(operation.GetProperty("tags")));
        Assert.Equal(
            """{"full_name":"Ada","age":7}""",
            Compact(operation.GetProperty("requestBody").GetProperty("content").GetProperty("application/json").GetProperty("example")));
        Assert.Equal(
            "\"done\"",
            operation.GetProperty("responses").GetProperty("200").GetProperty("content").GetProperty("application/json").GetProperty("example").GetRawText());
        Assert.True(operation.GetProperty("responses").TryGetProperty("409", out _));
    }

    [Fact]
    public async Task Fields_of_the_route_and_the_query_are_parameters_and_not_in_the_body()
    {
        var operation = await OperationAsync("/probe/binding/{anywhere}/{only_route}", "post");

        var parameters = operation.GetProperty("parameters").EnumerateArray()
            .Select(p => $"{p.GetProperty("in").GetString()} {p.GetProperty("name").GetString()}").Order(StringComparer.Ordinal);
        Assert.Equal(["path anywhere", "path only_route", "query day", "query names", "query only_query", "query since"], parameters);
    }

    [Fact]
    public async Task Access_is_in_the_document()
    {
        Assert.Equal("""[{"AdminKey":[]}]""", Compact((await OperationAsync("/platform/operator", "get")).GetProperty("security")));
        Assert.Equal("""[{"AdminKey":[]},{"TeamKey":[]}]""", Compact((await OperationAsync("/platform/caller", "get")).GetProperty("security")));
        Assert.False((await OperationAsync("/platform/kinds", "post")).TryGetProperty("security", out _));

        var schemes = (await DocumentAsync()).GetProperty("components").GetProperty("securitySchemes");
        Assert.Equal("X-Admin-Key", schemes.GetProperty("AdminKey").GetProperty("name").GetString());
        Assert.Equal("bearer", schemes.GetProperty("TeamKey").GetProperty("scheme").GetString());
    }

    [Fact]
    public async Task Every_refusal_is_documented_as_a_problem()
    {
        var responses = (await OperationAsync("/platform/operator", "get")).GetProperty("responses").EnumerateObject().ToArray();

        Assert.Equal(["200", "401", "403"], responses.Select(response => response.Name));
        foreach (var refusal in responses.Skip(1))
        {
            Assert.Equal(
                """{"application/problem+json":{"schema":{"$ref":"#/components/schemas/ProblemDetails"}}}""",
                Compact(refusal.Value.GetProperty("content")));
        }

        var schema = (await DocumentAsync()).GetProperty("components").GetProperty("schemas").GetProperty("ProblemDetails");
        Assert.Equal(["type", "title", "status", "code", "trace_id", "errors"], schema.GetProperty("properties").EnumerateObject().Select(p => p.Name));
    }

    [Fact]
    public async Task Only_schemas_that_something_refers_to_are_there()
    {
        var schemas = (await DocumentAsync()).GetProperty("components").GetProperty("schemas").EnumerateObject().Select(schema => schema.Name).ToArray();

        Assert.Contains("KindsProbeRequest", schemas);
        Assert.Contains("KindsProbeItem", schemas);
        Assert.DoesNotContain("ExecutingProbeRequest", schemas);
    }

    [Fact]
    public async Task Lists_of_texts_say_so()
    {
        var schemas = (await DocumentAsync()).GetProperty("components").GetProperty("schemas");

        var fields = schemas.GetProperty("KindsProbeRequest").GetProperty("properties");
        Assert.Equal("string", fields.GetProperty("labels").GetProperty("additionalProperties").GetProperty("type").GetString());
        Assert.False(fields.GetProperty("credits").TryGetProperty("items", out _));
        Assert.Equal("string", (await OperationAsync("/platform/names", "put")).GetProperty("requestBody").GetProperty("content")
            .GetProperty("application/json").GetProperty("schema").GetProperty("items").GetProperty("type").GetString());
    }

    private static string Compact(JsonElement json) => JsonSerializer.Serialize(json, s_plain);

    private async Task<JsonElement> DocumentAsync() => (await app.GetAsync("/openapi/v1.json")).Json;

    private async Task<JsonElement> OperationAsync(string path, string method)
        => (await DocumentAsync()).GetProperty("paths").GetProperty(path).GetProperty(method);
}
