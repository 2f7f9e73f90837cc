using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace SaasLlm.Tests.Platform;

/// <summary>An answer, read to its end.</summary>
internal sealed record Answer(int Status, HttpResponseHeaders Headers, string? ContentType, string Text)
{
    public JsonElement Json => JsonSerializer.Deserialize<JsonElement>(Text);

    /// <summary>What a refusal is written as: OpenAI's clients read JSON only.</summary>
    public static string RefusalTypeOf(string path)
        => path.StartsWith("/v1/", StringComparison.Ordinal) ? "application/json" : "application/problem+json";

    public static async Task<Answer> OfAsync(HttpResponseMessage response) => new(
        (int)response.StatusCode,
        response.Headers,
        response.Content.Headers.ContentType?.ToString(),
        await response.Content.ReadAsStringAsync());

    /// <summary>Asserts the one shape of every refusal, and returns it.</summary>
    public JsonElement AssertProblem(HttpStatusCode status, string code)
    {
        Assert.Equal(((int)status, "application/problem+json"), (Status, ContentType));
        var problem = Json;
        Assert.Equal($"urn:saasllm:problem:{code}", problem.GetProperty("type").GetString());
        Assert.Equal(code, problem.GetProperty("code").GetString());
        Assert.Equal((int)status, problem.GetProperty("status").GetInt32());
        Assert.NotEmpty(problem.GetProperty("title").GetString()!);
        Assert.Matches("^[0-9a-f]{32}$", problem.GetProperty("trace_id").GetString()!);
        Assert.DoesNotContain("   at ", Text, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", Text, StringComparison.Ordinal);
        Assert.DoesNotContain("System.", Text, StringComparison.Ordinal);
        return problem;
    }

    /// <summary>The names of the fields that were refused.</summary>
    public string[] RefusedFields() => [.. Json.GetProperty("errors").EnumerateObject().Select(field => field.Name)];
}
