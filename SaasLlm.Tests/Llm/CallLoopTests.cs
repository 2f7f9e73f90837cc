using System.Text.Json;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Llm;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.Llm;

/// <summary>The call loop, against a gateway that answers as the test says.</summary>
public sealed class CallLoopTests
{
    public static TheoryData<int, string, string, string> NextModelAnswers => new()
    {
        { 429, "throttling_error", "litellm.RateLimitError: RateLimitError: OpenAIException - slow down", "rate_limited" },
        { 429, "all_deployments_in_cooldown", "No deployments available for selected model", "rate_limited" },
        { 408, "None", "litellm.Timeout: APITimeoutError - Request timed out.", "timed_out" },
        { 409, "invalid_request_error", "litellm.BadRequestError: OpenAIException - Conflict.", "model_failed" },
        { 500, "internal_server_error", "litellm.InternalServerError: InternalServerError: OpenAIException - Connection error.", "model_failed" },
        { 529, "None", "litellm.APIError: APIError: OpenAIException - Overloaded", "model_failed" },
        { 401, "authentication_error", "litellm.AuthenticationError: AuthenticationError: OpenAIException - Incorrect API key provided: sk-fake.", "provider_account" },
        { 402, "None", "litellm.APIError: APIError: OpenAIException - Insufficient credits", "provider_account" },
        { 403, "permission_error", "litellm.APIError: APIError: OpenAIException - You are not allowed to sample from this model", "provider_account" },
        { 404, "None", "Not Found", "provider_account" },
        { 400, "None", "litellm.NotFoundError: OpenAIException - The model `x` does not exist", "provider_account" },
        { 429, "None", "No deployments available - crossed budget: Exceeded budget for provider openai: 5.4e-06 >= 1e-09", "provider_account" },
        { 429, "throttling_error", "litellm.RateLimitError: RateLimitError: OpenAIException - Budget has been exceeded! Current cost: 1.2", "provider_account" },
        { 400, "None", "/chat/completions: Invalid model name passed in model=x.", "unknown_model" },
        { 400, "None", "litellm.ContextWindowExceededError: litellm.BadRequestError: ContextWindowExceededError: OpenAIException - too long", "context_too_long" },
        { 400, "None", "litellm.BadRequestError: OpenAIException - Your input exceeds the context window of this model.", "context_too_long" },
    };

    [Theory]
    [MemberData(nameof(NextModelAnswers))]
    public async Task A_model_that_fails_is_followed_by_the_next(int status, string type, string message, string outcome)
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, body) => body.Contains("secret-model-7", StringComparison.Ordinal)
            ? StubGateway.Json(http, status, StubGateway.Error(message, type))
            : StubGateway.Json(http, 200, StubGateway.Completion());
        using var bench = new CallerBench(gateway.BaseUrl);

        var result = await bench.CallAsync();

        Assert.Null(result.Failure);
        Assert.Equal(CallerBench.TwoModels, gateway.Requests.Select(request => request.Model));
        var ended = Assert.Single(bench.Ledger.Of<NextAttempt>()).Ended;
        // A timeout and a connection that broke may have been billed.
        decimal? cost = status == 408 || message.Contains("Connection error", StringComparison.Ordinal) ? null : 0;
        Assert.Equal((outcome, "failed", status, cost), (ended.Outcome, ended.Status, ended.HttpStatus, ended.ProviderCostUsd));
        var end = Assert.Single(bench.Ledger.Of<EndCall>());
        Assert.Equal(("other-model-8", null, 2), (end.ResolvedModel, end.ErrorCode, end.Attempts));
        Assert.Equal("ResumeAgent", result.Value.Response.GetProperty("model").GetString());
    }

    [Theory]
    [InlineData("""{"error":{"message":"oops","code":500}}""")]
    [InlineData("""{"id":"x","choices":[]}""")]
    [InlineData("""{"id":"x","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":""}}]}""")]
    [InlineData("""{"id":"x","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"\ud800"}}]}""")]
    [InlineData("""{"id":"x","choices":[{"index":0,"finish_reason":"tool_calls","message":{"tool_calls":[{"id":"a","function":{"name":"\udc00","arguments":"{}"}}]}}]}""")]
    [InlineData("data: {}\n\n")]
    [InlineData("[1]")]
    [InlineData("")]
    public async Task A_200_that_says_nothing_is_a_failed_model(string body)
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => StubGateway.Json(http, 200, body);
        using var bench = new CallerBench(gateway.BaseUrl);

        var result = await bench.CallAsync();

        Assert.Equal("llm.all_models_failed", result.Failure?.Code);
        Assert.Equal(["model_failed", "model_failed"], bench.Ledger.Outcomes);
        // Nobody said what it cost: unknown is not zero.
        Assert.Null(Assert.Single(bench.Ledger.Of<EndCall>()).ProviderCostUsd);
    }

    [Fact]
    public async Task A_refusal_where_litellm_puts_it_is_an_answer()
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => StubGateway.Json(http, 200, """
            {"id":"x","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":null,"provider_specific_fields":{"refusal":"I cannot."}}}],
             "usage":{"prompt_tokens":1,"completion_tokens":1}}
            """);
        using var bench = new CallerBench(gateway.BaseUrl);

        var message = (await bench.CallAsync()).Value.Response.GetProperty("choices")[0].GetProperty("message");

        Assert.Equal("""{"role":"assistant","content":null,"refusal":"I cannot."}""", message.GetRawText());
        Assert.Single(gateway.Requests);
    }

    [Theory]
    [InlineData(400, "litellm.BadRequestError: OpenAIException - Invalid value: 'x'.\n\nLiteLLM: model group 'secret-model-7' failed.", "None", "llm.request_rejected", FailureKind.Invalid)]
    [InlineData(422, "litellm.BadRequestError: OpenAIException - Unprocessable entity.", "None", "llm.request_rejected", FailureKind.Invalid)]
    [InlineData(400, "litellm.BadRequestError: litellm.ContentPolicyViolationError: ContentPolicyViolationError: OpenAIException - no", "None", "content_filter", FailureKind.Invalid)]
    [InlineData(503, "Service Unavailable, the authentication database is temporarily unavailable", "no_db_connection", "llm.gateway_unavailable", FailureKind.Unavailable)]
    public async Task Some_answers_end_the_call(int status, string message, string type, string code, FailureKind kind)
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => StubGateway.Json(http, status, StubGateway.Error(message, type));
        using var bench = new CallerBench(gateway.BaseUrl);

        var result = await bench.CallAsync();

        Assert.Equal((code, kind), (result.Failure!.Code, result.Failure.Kind));
        Assert.Single(gateway.Requests);
        Assert.Equal(code, Assert.Single(bench.Ledger.Of<EndCall>()).ErrorCode);
    }

    [Fact]
    public async Task A_group_may_say_that_content_policy_tries_the_next_model()
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => StubGateway.Json(http, 400, StubGateway.Error("litellm.BadRequestError: litellm.ContentPolicyViolationError: no"));
        using var bench = new CallerBench(gateway.BaseUrl);
        bench.Groups.SettingsJson = """{"content_policy":"next"}""";

        var result = await bench.CallAsync();

        Assert.Equal(2, gateway.Requests.Count);
        Assert.Equal("content_filter", result.Failure?.Code);
    }

    [Fact]
    public async Task All_rate_limited_is_429_with_the_shortest_wait()
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, body) => StubGateway.Json(
            http, 429, StubGateway.Error("litellm.RateLimitError: slow"),
            body.Contains("secret-model-7", StringComparison.Ordinal) ? ("llm_provider-retry-after", "20") : ("retry-after", "7"));
        using var bench = new CallerBench(gateway.BaseUrl);

        var failure = (await bench.CallAsync()).Failure!;

        Assert.Equal((FailureKind.LimitReached, "llm.rate_limited", TimeSpan.FromSeconds(7)), (failure.Kind, failure.Code, failure.RetryAfter));
    }

    [Fact]
    public async Task All_too_small_is_a_context_failure_and_a_mixture_is_502()
    {
        const string TooLong = "litellm.ContextWindowExceededError: long";
        await using var gateway = await StubGateway.StartAsync();
        using var bench = new CallerBench(gateway.BaseUrl);

        gateway.Answer = (http, _) => StubGateway.Json(http, 400, StubGateway.Error(TooLong));
        Assert.Equal("context_length_exceeded", (await bench.CallAsync()).Failure?.Code);
        gateway.Answer = (http, body) => StubGateway.Json(http, body.Contains("secret-model-7", StringComparison.Ordinal) ? 400 : 500, StubGateway.Error(TooLong));
        Assert.Equal("llm.all_models_failed", (await bench.CallAsync()).Failure?.Code);
    }

    [Fact]
    public async Task A_refused_key_is_replaced_once_and_the_model_asked_again()
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => http.Request.Headers.Authorization == "Bearer sk-team-2"
            ? StubGateway.Json(http, 200, StubGateway.Completion())
            : StubGateway.Json(http, 401, StubGateway.Error("Authentication Error, Invalid proxy server token passed.", "token_not_found_in_db"));
        using var bench = new CallerBench(gateway.BaseUrl);

        var result = await bench.CallAsync();

        Assert.Null(result.Failure);
        Assert.Equal(["Bearer sk-team-1", "Bearer sk-team-2"], gateway.Requests.Select(request => request.Authorization));
        Assert.Equal(["secret-model-7", "secret-model-7"], gateway.Requests.Select(request => request.Model));
        Assert.Equal(["key_refused", "worked"], bench.Ledger.Outcomes);
    }

    [Theory]
    [InlineData(true, 2)]
    [InlineData(false, 1)]
    public async Task A_key_that_stays_refused_is_503(bool canReplace, int requests)
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => StubGateway.Json(http, 422, StubGateway.Error("Budget has been exceeded! Key=x", "budget_exceeded"));
        using var bench = new CallerBench(gateway.BaseUrl);
        bench.Keys.CanReplace = canReplace;

        var result = await bench.CallAsync();

        Assert.Equal("llm.gateway_refused", result.Failure?.Code);
        Assert.Equal(requests, gateway.Requests.Count);
        Assert.Equal(1, bench.Keys.Replaced);
    }

    [Fact]
    public async Task A_gateway_that_is_not_there_is_503_with_retry_after()
    {
        using var bench = new CallerBench("http://127.0.0.1:1");

        var failure = (await bench.CallAsync()).Failure!;

        Assert.Equal("llm.gateway_unavailable", failure.Code);
        Assert.NotNull(failure.RetryAfter);
        Assert.Equal(["gateway_down"], bench.Ledger.Outcomes);
    }

    [Fact]
    public async Task A_call_never_passes_its_jobs_deadline()
    {
        var time = new HandMovedTime();
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) =>
        {
            time.Move(TimeSpan.FromMilliseconds(300));
            return Task.Delay(Timeout.Infinite, http.RequestAborted);
        };
        using var bench = new CallerBench(gateway.BaseUrl, clock: time);
        bench.Ledger.JobTimeLeft = TimeSpan.FromMilliseconds(300);

        var result = await bench.CallAsync().WaitAsync(TimeSpan.FromSeconds(60));

        Assert.Equal((FailureKind.UpstreamTimeout, "llm.deadline_exceeded"), (result.Failure!.Kind, result.Failure.Code));
        Assert.Single(gateway.Requests);
    }

    [Fact]
    public async Task Unpriced_models_are_503_before_any_money_is_held_and_unread_prices_are_not_called_unpriced()
    {
        await using var gateway = await StubGateway.StartAsync();
        using var bench = new CallerBench(gateway.BaseUrl, isPriced: false);

        bench.Prices.IsKnown = false;
        Assert.Equal("llm.gateway_unavailable", (await bench.CallAsync()).Failure?.Code);

        bench.Prices.IsKnown = true;
        Assert.Equal("pricing.unpriced", (await bench.CallAsync()).Failure?.Code);
        Assert.Empty(bench.Ledger.Commands);
    }

    [Fact]
    public async Task A_wrong_body_is_refused_before_anything_is_written()
    {
        await using var gateway = await StubGateway.StartAsync();
        using var bench = new CallerBench(gateway.BaseUrl);

        var failure = (await bench.CallAsync("""{"messages":[{"role":"user","content":"x"}],"fallbacks":["gpt-4"]}""")).Failure!;

        Assert.Equal(("llm.unknown_field", "fallbacks"), (failure.Code, (string?)failure.Details!["param"]));
        Assert.Empty(bench.Ledger.Commands);
        Assert.Empty(gateway.Requests);
    }

    [Fact]
    public async Task A_plain_base_url_keeps_its_path_and_gets_no_metadata_of_ours()
    {
        await using var gateway = await StubGateway.StartAsync();
        using var bench = new CallerBench(gateway.BaseUrl + "/openai/v1/", configure: options => options.Kind = "openai");

        Assert.Null((await bench.CallAsync()).Failure);

        var request = Assert.Single(gateway.Requests);
        Assert.Equal("/openai/v1/chat/completions", request.Path);
        Assert.False(JsonElement.Parse(request.Body).TryGetProperty("metadata", out _));
    }
}
