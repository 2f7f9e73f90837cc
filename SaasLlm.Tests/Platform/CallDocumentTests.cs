using System.Text.Json;
using Microsoft.AspNetCore.Routing;
using SaasLlm.ApiService.Llm;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits.Rules;
using SaasLlm.Core.Llm.Limits;
using SaasLlm.Core.Llm.Requests;
using SaasLlm.Core.Teams;

namespace SaasLlm.Tests.Platform;

/// <summary>The OpenAPI document of the routes that call a model: what an answer's headers say, and how a refusal explains itself.</summary>
public sealed class CallDocumentTests(ProductApp product) : IClassFixture<ProductApp>
{
    private const string Jobs = "/api/jobs/";

    private static readonly string[] s_room =
    [
        "x-ratelimit-limit-requests", "x-ratelimit-limit-tokens", "x-ratelimit-remaining-requests", "x-ratelimit-remaining-tokens",
        "x-ratelimit-reset-requests", "x-ratelimit-reset-tokens",
    ];

    private static readonly string[] s_openAi = ["/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/responses"];

    public static readonly TheoryData<string> CallRoutes =
        [.. s_openAi, Jobs + "{job_id}/llm-call", Jobs + "{job_id}/llm-call-stream", Jobs + "create-and-call", Jobs + "create-and-call-stream"];

    [Fact]
    public void These_are_the_routes_that_call_a_model()
        => Assert.Equal(
            CallRoutes.Select(row => row.Data).Order(StringComparer.Ordinal),
            product.Routes.Where(route => route.Metadata.GetMetadata<CallRoute>() is not null)
                .Select(route => route.RoutePattern.RawText!.Replace(":guid", "", StringComparison.Ordinal)).Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(CallRoutes))]
    public async Task An_answer_says_what_is_left_what_it_took_and_what_it_cost(string path)
    {
        string[] cost = s_openAi.Contains(path) ? ["x-credits-charged", "x-credits-remaining", "x-job-id"] : [];

        var headers = await HeadersAsync(path, "200");
        Assert.Equal(["Server-Timing", "x-call-id", .. cost, .. s_room], headers);
    }

    [Theory]
    [MemberData(nameof(CallRoutes))]
    public async Task A_refusal_says_when_to_come_back(string path)
    {
        var limited = await HeadersAsync(path, "429");
        Assert.Equal(["retry-after", "retry-after-ms", .. s_room, "x-should-retry"], limited);
        var isFinal = s_openAi.Contains(path) ? "x-should-retry" : "";
        Assert.Equal($"retry-after retry-after-ms {isFinal}".TrimEnd(), string.Join(' ', await HeadersAsync(path, "503")));
        Assert.Equal((isFinal, isFinal), (string.Join(' ', await HeadersAsync(path, "402")), string.Join(' ', await HeadersAsync(path, "409"))));
    }

    [Theory]
    [MemberData(nameof(CallRoutes))]
    public async Task Every_member_of_a_402_is_documented(string path)
    {
        var noCredits = CreditRefusal.WithHolds(CreditRefusal.Insufficient(new(10, 4, 5, 3)), []);
        var account = new AccountState(
            "team", "org", false, 10, 0, 0, new("job_based", 1, 1, 1, 1, 0), CreditLimit: 1, MonthUsed: 1, new(2026, 1, 1), 1, 1);
        var overLimit = CreditRefusal.Of(account, 5, new(2026, 1, 2, 0, 0, 0, TimeSpan.Zero))!;

        Assert.Equal("credits.limit", overLimit.Code);
        Assert.Equal([], Keys(noCredits).Concat(Keys(overLimit)).Except(await MembersAsync(path, "402")));
    }

    [Theory]
    [MemberData(nameof(CallRoutes))]
    public async Task Every_member_of_a_429_is_documented(string path)
    {
        Failure[] refusals = [TooManyTokens("team"), TooManyTokens("key"), LedgerFailures.MaxCalls(1), LedgerFailures.MaxCost(1, 2)];

        Assert.Equal([], refusals.SelectMany(Keys).Except(await MembersAsync(path, "429")));
    }

    [Theory]
    [MemberData(nameof(CallRoutes))]
    public async Task All_that_may_be_refused_is_documented(string path)
        => Assert.Equal(
            ["400", "401", "402", "403", "404", "409", "429", "502", "503", "504"],
            (await OperationAsync(path)).GetProperty("responses").EnumerateObject().Select(response => response.Name).Except(["200", "422"]));

    [Fact]
    public async Task Fields_of_OpenAIs_that_are_refused_are_named()
    {
        foreach (var (path, fields) in new[] { ("/v1/chat/completions", ChatFields.All), ("/v1/responses", ResponseFields.All) })
        {
            var text = (await OperationAsync(path)).GetProperty("description").GetString()!;
            Assert.Equal([], fields.Priced.Concat(fields.NotOffered).Where(name => !text.Contains($"`{name}`", StringComparison.Ordinal)));
        }
    }

    private static Failure TooManyTokens(string level)
    {
        var (full, wait) = (new RateLimits(1, 10, 1), TimeSpan.FromSeconds(1));
        return LimitRefusal.Of(
            [new(new(level, "id", full), 1, 10, 1, TimeSpan.Zero, wait, TimeSpan.Zero, wait)], new(5, 1, 5), DateTimeOffset.UnixEpoch);
    }

    private static IEnumerable<string> Keys(Failure failure) => failure.Details!.Keys;

    private async Task<string[]> HeadersAsync(string path, string status)
        => (await OperationAsync(path)).GetProperty("responses").GetProperty(status).TryGetProperty("headers", out var headers)
            ? [.. headers.EnumerateObject().Select(header => header.Name).Order(StringComparer.Ordinal)]
            : [];

    private async Task<string[]> MembersAsync(string path, string status)
    {
        var media = Assert.Single((await OperationAsync(path)).GetProperty("responses").GetProperty(status).GetProperty("content").EnumerateObject());
        var schema = media.Value.GetProperty("schema");
        if (media.Name == "application/json")
        {
            schema = schema.GetProperty("properties").GetProperty("error");
        }
        else
        {
            Assert.Equal("""[{"$ref":"#/components/schemas/ProblemDetails"}]""", JsonSerializer.Serialize(schema.GetProperty("allOf")));
        }

        return [.. schema.GetProperty("properties").EnumerateObject().Select(member => member.Name)];
    }

    private async Task<JsonElement> OperationAsync(string path)
        => (await product.DocumentAsync()).GetProperty("paths").GetProperty(path).GetProperty("post");
}
