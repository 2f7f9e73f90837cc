using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Llm;
using SaasLlm.Core.Llm.Limits;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.Llm;

/// <summary>What a group's settings do to its calls, streamed or not.</summary>
public sealed class GroupSettingsTests
{
    private const string Hello = """[{"role":"user","content":"Hello"}]""";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_slow_model_is_left_after_the_groups_timeout(bool isStream)
    {
        var time = new HandMovedTime();
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, body) => IsFirst(body) ? NeverAsync(http, time, TimeSpan.FromSeconds(0.3)) : AnswerAsync(http, body);
        using var bench = Bench(gateway, """{"timeout_seconds":0.3}""", time);

        var end = await EndAsync(bench, isStream).WaitAsync(TimeSpan.FromSeconds(60));

        Assert.Null(end.Failure);
        Assert.Equal("timed_out", Assert.Single(bench.Ledger.Of<NextAttempt>()).Ended.Outcome);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_call_ends_at_the_groups_deadline(bool isStream)
    {
        var time = new HandMovedTime();
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => NeverAsync(http, time, TimeSpan.FromSeconds(0.4));
        using var bench = Bench(gateway, """{"deadline_seconds":0.4}""", time);

        var end = await EndAsync(bench, isStream).WaitAsync(TimeSpan.FromSeconds(60));

        Assert.Equal((FailureKind.UpstreamTimeout, "llm.deadline_exceeded"), (end.Failure!.Kind, end.Failure.Code));
        Assert.Single(gateway.Requests);
    }

    [Fact]
    public async Task A_group_may_allow_more_time_than_is_usual()
    {
        var time = new HandMovedTime();
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, body) =>
        {
            time.Move(TimeSpan.FromSeconds(29.9));
            return AnswerAsync(http, body);
        };
        using var bench = Bench(gateway, """{"timeout_seconds":30,"deadline_seconds":60}""", time, options =>
        {
            options.AttemptTimeout = TimeSpan.FromMilliseconds(200);
            options.CallTimeout = TimeSpan.FromMilliseconds(300);
        });

        Assert.Null((await EndAsync(bench, isStream: false)).Failure);
        Assert.Single(gateway.Requests);
    }

    // Its place among the parallel calls is kept as long.
    [Fact]
    public async Task The_limiter_is_told_the_groups_deadline()
    {
        await using var gateway = await StubGateway.StartAsync();
        var limiter = new RememberedDeadline();
        using var bench = new CallerBench(gateway.BaseUrl, limiter: limiter);
        bench.Groups.SettingsJson = """{"deadline_seconds":1234}""";

        Assert.Null((await EndAsync(bench, isStream: false)).Failure);
        Assert.Equal(TimeSpan.FromSeconds(1234), limiter.Deadline);
    }

    // Past its attempt's deadline it would be taken for abandoned.
    [Fact]
    public async Task A_stream_that_began_in_time_may_go_on_until_the_deadline()
    {
        var time = new HandMovedTime();
        var goesOn = new TaskCompletionSource();
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = async (http, _) =>
        {
            await StubGateway.Events(http, Says("Hel"));
            await goesOn.Task;
            await StubGateway.Events(http, Says("lo."), "[DONE]");
        };
        using var bench = Bench(gateway, """{"timeout_seconds":0.3,"deadline_seconds":100}""", time);

        var stream = (await bench.StreamAsync(body: $$"""{"messages":{{Hello}}}""")).Value;
        await stream.Chunks.WaitToReadAsync();
        time.Move(TimeSpan.FromSeconds(0.6));
        goesOn.SetResult();

        Assert.Null((await stream.End).Failure);
        Assert.Equal(TimeSpan.FromSeconds(100), Assert.Single(bench.Ledger.Of<StartCall>()).Attempt.Timeout);
    }

    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 1)]
    [InlineData(false, 2)]
    public async Task No_more_models_are_tried_than_the_group_says(bool isStream, int attempts)
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => StubGateway.Json(http, 500, "{}");
        using var bench = new CallerBench(gateway.BaseUrl, ["one", "two", "three"]);
        bench.Groups.SettingsJson = $$"""{"max_attempts":{{attempts}}}""";

        Assert.Equal("llm.all_models_failed", (await EndAsync(bench, isStream)).Failure?.Code);
        Assert.Equal(attempts, gateway.Requests.Count);
    }

    [Fact]
    public async Task The_repeat_with_a_new_key_is_no_further_model()
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, body) => http.Request.Headers.Authorization == "Bearer sk-team-2"
            ? IsFirst(body) ? StubGateway.Json(http, 500, "{}") : AnswerAsync(http, body)
            : StubGateway.Json(http, 401, StubGateway.Error("Authentication Error, Invalid proxy server token passed.", "token_not_found_in_db"));
        using var bench = Bench(gateway, """{"max_attempts":2}""");

        Assert.Null((await EndAsync(bench, isStream: false)).Failure);
        Assert.Equal(["secret-model-7", "secret-model-7", "other-model-8"], gateway.Requests.Select(request => request.Model));
    }

    [Theory]
    [InlineData(false, "", "0.2", "500")]
    [InlineData(true, "", "0.2", "500")]
    [InlineData(false, ",\"temperature\":0.9,\"max_tokens\":7", "0.9", "7")]
    [InlineData(true, ",\"temperature\":0.9,\"max_tokens\":7", "0.9", "7")]
    [InlineData(false, ",\"temperature\":null,\"max_tokens\":null", "0.2", "500")]
    public async Task What_a_request_leaves_out_the_group_names(bool isStream, string fields, string temperature, string maxTokens)
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = AnswerAsync;
        using var bench = Bench(gateway, """{"default_temperature":0.2,"default_output_tokens":500,"max_output_tokens":1000}""");

        Assert.Null((await EndAsync(bench, isStream, fields)).Failure);

        var sent = JsonNode.Parse(Assert.Single(gateway.Requests).Body)!;
        Assert.Equal((temperature, maxTokens), (sent["temperature"]!.ToJsonString(), sent["max_tokens"]!.ToJsonString()));
    }

    // A model that is told no temperature takes 1.
    [Theory]
    [InlineData("""{"max_temperature":0.5}""", "", "0.5")]
    [InlineData("""{"max_temperature":0.5}""", ",\"temperature\":0.4", "0.4")]
    [InlineData("""{"max_temperature":0.5,"default_temperature":0.2}""", "", "0.2")]
    [InlineData("""{"max_temperature":1}""", "", null)]
    public async Task A_ceiling_of_the_temperature_holds_where_none_is_named(string settings, string fields, string? temperature)
    {
        await using var gateway = await StubGateway.StartAsync();
        using var bench = Bench(gateway, settings);

        Assert.Null((await EndAsync(bench, isStream: false, fields)).Failure);

        Assert.Equal(temperature, JsonNode.Parse(Assert.Single(gateway.Requests).Body)!["temperature"]?.ToJsonString());
    }

    [Fact]
    public async Task The_ceiling_is_sent_where_nobody_names_a_longest_answer_and_is_what_is_held_for()
    {
        await using var gateway = await StubGateway.StartAsync();
        using var bench = Bench(gateway, """{"max_output_tokens":1000}""");

        Assert.Null((await EndAsync(bench, isStream: false)).Failure);

        var sent = Assert.Single(gateway.Requests).Body;
        Assert.Equal(1000, (int)JsonNode.Parse(sent)!["max_tokens"]!);
        var prompt = (int)Math.Ceiling(sent.IndexOf(",\"max_tokens\"", StringComparison.Ordinal) / 3m);
        Assert.Equal(prompt + 1000, Assert.Single(bench.Ledger.Of<StartCall>()).Attempt.Estimate.Tokens);
    }

    [Fact]
    public async Task Another_name_of_the_limit_is_a_named_limit_too()
    {
        await using var gateway = await StubGateway.StartAsync();
        using var bench = Bench(gateway, """{"default_output_tokens":500}""");

        Assert.Null((await EndAsync(bench, isStream: false, ",\"max_completion_tokens\":9")).Failure);

        var sent = JsonElement.Parse(Assert.Single(gateway.Requests).Body);
        Assert.False(sent.TryGetProperty("max_tokens", out _));
        Assert.Equal(9, sent.GetProperty("max_completion_tokens").GetInt32());
    }

    [Theory]
    [InlineData(false, "temperature", "1.1", "'temperature' must be a number from 0 to 1.0.")]
    [InlineData(true, "temperature", "1.1", "'temperature' must be a number from 0 to 1.0.")]
    [InlineData(false, "max_tokens", "1001", "'max_tokens' must be a whole number from 1 to 1000.")]
    [InlineData(true, "max_completion_tokens", "1001", "'max_completion_tokens' must be a whole number from 1 to 1000.")]
    public async Task Above_a_ceiling_is_refused_by_name_and_at_it_is_not(bool isStream, string field, string value, string sentence)
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = AnswerAsync;
        using var bench = Bench(gateway, """{"max_temperature":1.0,"max_output_tokens":1000}""");

        var failure = (await EndAsync(bench, isStream, $",\"{field}\":{value}")).Failure!;

        Assert.Equal((FailureKind.Invalid, "llm.invalid_request", field, sentence), (failure.Kind, failure.Code, (string?)failure.Details!["param"], failure.Message));
        Assert.Empty(bench.Ledger.Commands);
        Assert.Null((await EndAsync(bench, isStream, $",\"{field}\":{(field == "temperature" ? "1" : "1000")}")).Failure);
    }

    [Fact]
    public async Task Responses_have_the_same_limits_under_their_own_names()
    {
        await using var gateway = await StubGateway.StartAsync();
        using var bench = Bench(gateway, """{"default_temperature":0.2,"max_temperature":1,"default_output_tokens":500,"max_output_tokens":1000}""");

        await bench.CallAsync("""{"input":"Hello"}""", route: LlmRoute.Responses);
        var sent = JsonNode.Parse(gateway.Requests.First().Body)!;
        Assert.Equal(("0.2", "500"), (sent["temperature"]!.ToJsonString(), sent["max_output_tokens"]!.ToJsonString()));
        Assert.Equal("max_output_tokens", (await bench.CallAsync("""{"input":"Hello","max_output_tokens":1001}""", route: LlmRoute.Responses)).Failure!.Details!["param"]);
        Assert.Equal("temperature", (await bench.CallAsync("""{"input":"Hello","temperature":2}""", route: LlmRoute.Responses)).Failure!.Details!["param"]);
    }

    [Fact]
    public async Task Vectors_have_no_length_and_no_temperature()
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => StubGateway.Json(http, 200, """{"data":[{"index":0,"embedding":[0.5]}],"usage":{"prompt_tokens":1}}""");
        using var bench = Bench(gateway, """{"default_temperature":0.2,"default_output_tokens":500}""");
        bench.Groups.Kind = "embedding";

        Assert.Null((await bench.CallAsync("""{"input":"Hello"}""", route: LlmRoute.Embeddings)).Failure);
        Assert.StartsWith("""{"input":"Hello","model":""", Assert.Single(gateway.Requests).Body, StringComparison.Ordinal);
    }

    private sealed class RememberedDeadline : ICallLimiter
    {
        public TimeSpan Deadline { get; private set; }

        public Task<Result<CallAdmission?>> AdmitAsync(LlmCall call, CallId callId, CallSize size, TimeSpan deadline, CancellationToken cancellation)
        {
            Deadline = deadline;
            return Task.FromResult<Result<CallAdmission?>>((CallAdmission?)null);
        }
    }

    private static CallerBench Bench(
        StubGateway gateway, string settings, HandMovedTime? time = null, Action<Core.Llm.Gateway.GatewayOptions>? configure = null)
    {
        var bench = new CallerBench(gateway.BaseUrl, configure: configure, clock: time);
        bench.Groups.SettingsJson = settings;
        return bench;
    }

    private static async Task<Result<LlmAnswer>> EndAsync(CallerBench bench, bool isStream, string fields = "")
    {
        var body = $$"""{"messages":{{Hello}}{{fields}}}""";
        if (!isStream)
        {
            return await bench.CallAsync(body);
        }

        var stream = await bench.StreamAsync(body: body);
        if (stream.Failure is { } failure)
        {
            return failure;
        }

        await foreach (var _ in stream.Value.Chunks.ReadAllAsync())
        {
        }

        return await stream.Value.End;
    }

    private static bool IsFirst(string body) => body.Contains("secret-model-7", StringComparison.Ordinal);

    // The request is here, so its limits count already.
    private static Task NeverAsync(HttpContext http, HandMovedTime time, TimeSpan passes)
    {
        time.Move(passes);
        return Task.Delay(Timeout.Infinite, http.RequestAborted);
    }

    private static Task AnswerAsync(HttpContext http, string body)
        => body.Contains("\"stream\":true", StringComparison.Ordinal)
            ? StubGateway.Events(http, Says("Hello."), "[DONE]")
            : StubGateway.Json(http, 200, StubGateway.Completion());

    private static string Says(string text) => $$$"""{"choices":[{"index":0,"delta":{"content":"{{{text}}}"}}]}""";
}
