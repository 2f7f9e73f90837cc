using System.Collections.Concurrent;
using System.Diagnostics;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Llm;

namespace SaasLlm.Tests.Llm;

/// <summary>What a call's spans and metrics say, and what they must not.</summary>
public sealed class CallTelemetryTests
{
    private const string Prompt = "a-prompt-nobody-logs";
    private const string Body = $$"""{"messages":[{"role":"user","content":"{{Prompt}}"}],"max_tokens":700}""";

    [Fact]
    public async Task A_call_is_one_gen_ai_span_with_its_attempts_below()
    {
        using var spans = new SpanLog();
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = FirstFails;
        using var bench = new CallerBench(gateway.BaseUrl);

        var answer = (await bench.CallAsync(Body)).Value;

        var call = Assert.Single(spans.All, span => span.Parent == spans.Root.SpanId && span.Activity.Source.Name == "SaasLlm.Llm").Activity;
        Assert.Equal(("chat ResumeAgent", ActivityKind.Client, ActivityStatusCode.Unset), (call.DisplayName, call.Kind, call.Status));
        Assert.Equal(
            [
                "gen_ai.operation.name=chat", "gen_ai.provider.name=litellm", "gen_ai.request.max_tokens=700", "gen_ai.request.model=ResumeAgent",
                "gen_ai.response.model=other-model-8", "gen_ai.usage.input_tokens=1000", "gen_ai.usage.output_tokens=500",
                $"saasllm.call.id={answer.CallId}", $"saasllm.job.id={Assert.Single(bench.Ledger.Of<EndCall>()).JobId}", "saasllm.llm.attempts=2",
                "saasllm.llm.stream=False", "saasllm.model_group=ResumeAgent",
            ],
            Texts(call));

        var attempts = spans.All.Where(span => span.Parent == call.SpanId && span.Activity.Source.Name == "SaasLlm.Llm").Select(span => span.Activity)
            .OrderBy(span => span.StartTimeUtc).ToList();
        Assert.Equal(["attempt secret-model-7", "attempt other-model-8"], attempts.Select(span => span.DisplayName));
        Assert.Equal((ActivityStatusCode.Error, "model_failed"), (attempts[0].Status, attempts[0].GetTagItem("error.type")));
        Assert.Equal(
            [
                "gen_ai.provider.name=litellm", "gen_ai.request.model=other-model-8", "gen_ai.response.id=chatcmpl-up",
                "saasllm.attempt=2", "saasllm.llm.outcome=worked", "saasllm.model_group=ResumeAgent",
            ],
            Texts(attempts[1]));
        Assert.All(spans.All.SelectMany(span => Texts(span.Activity)), text => Assert.DoesNotContain(Prompt, text, StringComparison.Ordinal));
        Assert.All(spans.All.SelectMany(span => Texts(span.Activity)), text => Assert.DoesNotContain("sk-", text, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_failed_calls_span_names_its_code()
    {
        using var spans = new SpanLog();
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => StubGateway.Json(http, 500, "{}");
        using var bench = new CallerBench(gateway.BaseUrl);

        await bench.CallAsync(Body);

        var call = Assert.Single(spans.All, span => span.Activity.DisplayName == "chat ResumeAgent").Activity;
        Assert.Equal((ActivityStatusCode.Error, "llm.all_models_failed"), (call.Status, call.GetTagItem("error.type")));
        Assert.Null(call.GetTagItem("gen_ai.usage.input_tokens"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Tokens_and_duration_of_a_call_go_by_its_group(bool isStream)
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, body) => !isStream ? FirstFails(http, body)
            : StubGateway.Events(http, """{"choices":[{"index":0,"delta":{"content":"Hi"}}]}""", """{"choices":[],"usage":{"prompt_tokens":1000,"completion_tokens":500}}""", "[DONE]");
        using var bench = new CallerBench(gateway.BaseUrl);

        Assert.Null((isStream ? await (await bench.StreamAsync(body: Body)).Value.End : await bench.CallAsync(Body)).Failure);

        string[] common = ["gen_ai.operation.name=chat", "gen_ai.provider.name=litellm"];
        var tokens = bench.Metrics.Of("gen_ai.client.token.usage").OrderByDescending(one => one.Value).ToList();
        Assert.Equal([1000m, 500m], tokens.Select(one => one.Value));
        Assert.Equal([.. common, "gen_ai.token.type=input", "saasllm.model_group=ResumeAgent"], tokens[0].Texts);
        Assert.Equal([.. common, "gen_ai.token.type=output", "saasllm.model_group=ResumeAgent"], tokens[1].Texts);
        var duration = Assert.Single(bench.Metrics.Of("gen_ai.client.operation.duration"));
        Assert.Equal([.. common, "saasllm.model_group=ResumeAgent"], duration.Texts);
        var overhead = Assert.Single(bench.Metrics.Of("saasllm.llm.overhead"));
        Assert.Equal(["gen_ai.operation.name=chat", $"saasllm.llm.stream={isStream}"], overhead.Texts);
        Assert.InRange(overhead.Value, 0, duration.Value);
        Assert.Equal(("{token}", "s", "s"), (tokens[0].Instrument.Unit, duration.Instrument.Unit, overhead.Instrument.Unit));
    }

    [Fact]
    public async Task Waiting_for_the_gateway_is_no_overhead_and_waiting_for_the_ledger_is()
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = async (http, body) =>
        {
            await Task.Delay(400);
            await FirstFails(http, body);
        };
        using var bench = new CallerBench(gateway.BaseUrl);
        bench.Ledger.Pause = TimeSpan.FromMilliseconds(100);
        var clock = new CallClock(TimeProvider.System);

        Assert.Null((await bench.CallAsync(Body, clock: clock)).Failure);

        // Two attempts; the start, the step between them and the end.
        var (upstream, overhead) = clock.Read();
        Assert.True(upstream >= TimeSpan.FromMilliseconds(780), $"{upstream}");
        Assert.True(overhead >= TimeSpan.FromMilliseconds(280), $"{overhead}");
        var duration = Assert.Single(bench.Metrics.Of("gen_ai.client.operation.duration")).Value;
        Assert.True(duration >= 1.06m, $"{duration}");
        Assert.InRange(Assert.Single(bench.Metrics.Of("saasllm.llm.overhead")).Value, 0.28m, duration - 0.78m);
    }

    [Fact]
    public async Task A_failed_call_has_its_code_and_no_tokens()
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => StubGateway.Json(http, 500, "{}");
        using var bench = new CallerBench(gateway.BaseUrl);

        await bench.CallAsync(Body);

        Assert.Empty(bench.Metrics.Of("gen_ai.client.token.usage"));
        Assert.Contains("error.type=llm.all_models_failed", Assert.Single(bench.Metrics.Of("gen_ai.client.operation.duration")).Texts);
    }

    [Theory]
    [InlineData("0.0232", true, null)]
    [InlineData("2.5e-2", false, 0.0018)]
    public async Task The_gateways_cost_is_compared_with_ours(string theirs, bool agrees, double? drift)
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => StubGateway.Json(http, 200, StubGateway.Completion(), ("x-litellm-response-cost", theirs));
        using var bench = new CallerBench(gateway.BaseUrl);

        await bench.CallAsync(Body);

        var compared = Assert.Single(bench.Metrics.Of("saasllm.pricing.comparisons"));
        Assert.Equal((1m, "{answer}"), (compared.Value, compared.Instrument.Unit));
        Assert.Equal(["gen_ai.request.model=secret-model-7", $"saasllm.pricing.agrees={agrees}"], compared.Texts);
        var differences = bench.Metrics.Of("saasllm.pricing.drift");
        Assert.Equal(drift is null ? [] : [(decimal)drift.Value], differences.Select(one => decimal.Round(one.Value, 10)));
        Assert.All(differences, one => Assert.Equal("USD", one.Instrument.Unit));
    }

    [Fact]
    public async Task What_no_provider_counted_is_told_as_money_at_the_most()
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, body) =>
        {
            if (!body.Contains("secret-model-7", StringComparison.Ordinal))
            {
                return StubGateway.Json(http, 200, StubGateway.Completion());
            }

            http.Abort();
            return Task.CompletedTask;
        };
        using var bench = new CallerBench(gateway.BaseUrl);

        await bench.CallAsync(Body);

        var unmeasured = Assert.Single(bench.Metrics.Of("saasllm.llm.unmeasured_cost"));
        Assert.Equal(("USD", "saasllm.llm.usage_source=unknown"), (unmeasured.Instrument.Unit, Assert.Single(unmeasured.Texts)));
        Assert.Equal(Assert.Single(bench.Ledger.Of<NextAttempt>()).Ended.Evidence!.Value.HighUsd, unmeasured.Value);
        // 700 tokens of output at 30 a million, and the prompt.
        Assert.InRange(unmeasured.Value, 0.021m, 0.0215m);
    }

    // Models are the operator's: only the price book's meter names them.
    [Fact]
    public async Task No_metric_names_a_team_a_job_a_key_or_a_prompt_and_only_prices_name_models()
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => StubGateway.Json(http, 200, StubGateway.Completion(), ("x-litellm-response-cost", "1"));
        using var bench = new CallerBench(gateway.BaseUrl);
        await bench.CallAsync(Body);
        gateway.Answer = (http, _) => StubGateway.Json(http, 401, StubGateway.Error("litellm.AuthenticationError: sk-operator", "authentication_error"));
        await bench.CallAsync(Body);

        var ids = bench.Ledger.Of<EndCall>().SelectMany(end => new[] { end.JobId.ToString(), end.CallId.ToString(), end.Ended!.AttemptId.ToString() });
        string[] secrets = ["team_1", "sk-", Prompt, "chatcmpl", .. ids];
        Assert.NotEmpty(bench.Metrics.Of("saasllm.llm.operator_faults"));
        foreach (var measured in bench.Metrics.All)
        {
            Assert.All(measured.Texts, text => Assert.DoesNotContain(secrets, secret => text.Contains(secret, StringComparison.OrdinalIgnoreCase)));
            if (measured.Instrument.Meter.Name != "SaasLlm.Pricing")
            {
                Assert.All(measured.Texts, text => Assert.DoesNotContain(CallerBench.TwoModels, model => text.Contains(model, StringComparison.Ordinal)));
            }
        }
    }

    private static Task FirstFails(Microsoft.AspNetCore.Http.HttpContext http, string body)
        => body.Contains("secret-model-7", StringComparison.Ordinal)
            ? StubGateway.Json(http, 500, "{}")
            : StubGateway.Json(http, 200, StubGateway.Completion());

    private static IEnumerable<string> Texts(Activity span)
        => span.TagObjects.Where(tag => tag.Value is not null).OrderBy(tag => tag.Key, StringComparer.Ordinal).Select(tag => $"{tag.Key}={tag.Value}");

    /// <summary>The spans of one trace; other tests make theirs meanwhile.</summary>
    private sealed class SpanLog : IDisposable
    {
        private readonly ActivitySource _source = new($"test-{Guid.NewGuid():N}");
        private readonly ActivityListener _listener;

        public SpanLog()
        {
            _listener = new()
            {
                ShouldListenTo = source => source.Name is "SaasLlm.Llm" || source == _source,
                Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
                ActivityStopped = activity =>
                {
                    if (activity.TraceId == Root?.TraceId)
                    {
                        All.Enqueue((activity.ParentSpanId, activity));
                    }
                },
            };
            ActivitySource.AddActivityListener(_listener);
            Root = _source.StartActivity("test")!;
        }

        public Activity Root { get; }

        public ConcurrentQueue<(ActivitySpanId Parent, Activity Activity)> All { get; } = new();

        public void Dispose()
        {
            Root.Dispose();
            _listener.Dispose();
            _source.Dispose();
        }
    }
}
