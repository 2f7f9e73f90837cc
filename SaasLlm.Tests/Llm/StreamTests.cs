using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Llm;
using SaasLlm.Core.Llm.Streaming;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.Llm;

/// <summary>Streamed calls, against a gateway that says what the test says.</summary>
public sealed class StreamTests
{
    private const string Role = """{"id":"up-1","model":"secret-model-7","system_fingerprint":"fp","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}""";
    private const string Usage = """{"id":"up-1","choices":[{"index":0,"delta":{}}],"usage":{"prompt_tokens":1000,"completion_tokens":500,"cost":0.1}}""";
    private const string Stop = """{"id":"up-1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}""";
    private const string Done = "[DONE]";

    [Fact]
    public async Task Chunks_are_written_anew_and_usage_is_kept_back()
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => StubGateway.Events(http, Role, Says("Hel"), Says("lo."), Stop, Usage, Done);
        using var bench = new CallerBench(gateway.BaseUrl);

        var (chunks, end) = await ReadAsync(bench);

        Assert.Equal(
            ["""[{"index":0,"delta":{"role":"assistant","content":"Hel"},"finish_reason":null}]""",
             """[{"index":0,"delta":{"content":"lo."},"finish_reason":null}]""",
             """[{"index":0,"delta":{},"finish_reason":"stop"}]"""],
            chunks.Select(chunk => chunk["choices"]!.ToJsonString()));
        Assert.All(chunks, chunk => Assert.Equal(
            ("ResumeAgent", "chat.completion.chunk", $"chatcmpl-{end.Value.CallId.Value:N}"),
            ((string)chunk["model"]!, (string)chunk["object"]!, (string)chunk["id"]!)));
        Assert.All(chunks, chunk => Assert.Equal(["id", "object", "created", "model", "choices"], chunk.AsObject().Select(member => member.Key)));
        Assert.Equal(new TokenUsage(1000, 0, 500, 0), end.Value.Usage);
        var saved = Assert.Single(bench.Ledger.Of<EndCall>());
        Assert.Equal(("secret-model-7", null, 0.025m), (saved.ResolvedModel, saved.ErrorCode, saved.ProviderCostUsd));
        Assert.Equal((new CostEvidence("provider", 0.025m, 0.025m), 0.1m), (saved.Evidence, saved.GatewayCostUsd));
        var sent = JsonNode.Parse(Assert.Single(gateway.Requests).Body)!;
        Assert.Equal((true, true), ((bool)sent["stream"]!, (bool)sent["stream_options"]!["include_usage"]!));
    }

    [Fact]
    public async Task Tool_calls_keep_their_pieces_and_name_themselves_once()
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => StubGateway.Events(http,
            Delta("""{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"f","arguments":""}}]}"""),
            Delta("""{"tool_calls":[{"index":0,"id":null,"function":{"name":null,"arguments":"{\"a\":"}}]}"""),
            Delta("""{"tool_calls":[{"index":0,"function":{"arguments":"1}"}}]}"""),
            Stop.Replace("stop", "tool_calls", StringComparison.Ordinal), Usage, Done);
        using var bench = new CallerBench(gateway.BaseUrl);

        var (chunks, end) = await ReadAsync(bench);

        Assert.Null(end.Failure);
        Assert.Equal(
            ["""{"role":"assistant","tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"f","arguments":""}}]}""",
             """{"tool_calls":[{"index":0,"function":{"arguments":"{\u0022a\u0022:"}}]}""",
             """{"tool_calls":[{"index":0,"function":{"arguments":"1}"}}]}""",
             "{}"],
            chunks.Select(chunk => chunk["choices"]![0]!["delta"]!.ToJsonString()));
    }

    // Clients add up what comes twice: get_weatherget_weather.
    [Fact]
    public async Task A_server_that_repeats_ids_and_names_is_told_once()
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => StubGateway.Events(http,
            Delta("""{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"get_weather","arguments":"{"}}]}"""),
            Delta("""{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"get_weather","arguments":"}"}},{"index":1,"id":"call_2","function":{"name":"get_","arguments":""}}]}"""),
            Delta("""{"tool_calls":[{"index":1,"id":"call_2","type":"function","function":{"name":"weather","arguments":"{}"}}]}"""),
            Delta("""{"function_call":{"name":"f","arguments":"{"}}"""),
            Delta("""{"function_call":{"name":"f","arguments":"}"}}"""),
            Delta("""{"tool_calls":[{"index":0,"id":"call_7","type":"function","function":{"name":"get_weather","arguments":""}}]}""").Replace("\"index\":0,\"delta\"", "\"index\":1,\"delta\"", StringComparison.Ordinal),
            Stop, Usage, Done);
        using var bench = new CallerBench(gateway.BaseUrl);

        var (chunks, _) = await ReadAsync(bench);

        Assert.Equal(
            ["""{"role":"assistant","tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"get_weather","arguments":"{"}}]}""",
             """{"tool_calls":[{"index":0,"function":{"arguments":"}"}},{"index":1,"id":"call_2","type":"function","function":{"name":"get_","arguments":""}}]}""",
             """{"tool_calls":[{"index":1,"function":{"name":"weather","arguments":"{}"}}]}""",
             """{"function_call":{"name":"f","arguments":"{"}}""",
             """{"function_call":{"arguments":"}"}}""",
             """{"role":"assistant","tool_calls":[{"index":0,"id":"call_7","type":"function","function":{"name":"get_weather","arguments":""}}]}"""],
            chunks.Take(6).Select(chunk => chunk["choices"]![0]!["delta"]!.ToJsonString()));
    }

    // Gemini's adapters give each of several calls the index 0; some versions of vLLM make a new id for every part of one.
    [Fact]
    public async Task Calls_that_share_an_index_are_told_apart()
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => StubGateway.Events(http,
            Delta("""{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"f","arguments":"{\"city\":"}}]}"""),
            Delta("""{"tool_calls":[{"index":0,"id":"call_8","type":"function","function":{"arguments":"1}"}}]}"""),
            Delta("""{"tool_calls":[{"index":0,"id":"call_2","type":"function","function":{"name":"f","arguments":"{"}}]}"""),
            Delta("""{"tool_calls":[{"index":0,"function":{"arguments":"}"}}]}"""),
            Delta("""{"tool_calls":[{"index":1,"id":"call_3","type":"function","function":{"name":"g","arguments":"{}"}}]}"""),
            Stop, Usage, Done);
        using var bench = new CallerBench(gateway.BaseUrl);

        var (chunks, _) = await ReadAsync(bench);

        Assert.Equal(
            ["0 call_1 f {\"city\":", "0   1}", "1 call_2 f {", "1   }", "2 call_3 g {}"],
            chunks.Take(5).Select(chunk => chunk["choices"]![0]!["delta"]!["tool_calls"]![0]!)
                .Select(call => $"{call["index"]} {call["id"]} {call["function"]!["name"]} {call["function"]!["arguments"]}"));
    }

    // LiteLLM loses the end of every choice but the first.
    [Fact]
    public async Task A_choice_that_nobody_ended_is_ended()
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => StubGateway.Events(http, Says("a"), Of(2, Says("b")),
            Of(1, Delta("""{"tool_calls":[{"index":0,"id":"call_1","function":{"name":"f","arguments":"{}"}}]}""")), Stop, Usage, Done);
        using var bench = new CallerBench(gateway.BaseUrl);

        var (chunks, end) = await ReadAsync(bench);

        Assert.Null(end.Failure);
        Assert.Equal(
            """[{"index":1,"delta":{},"finish_reason":"tool_calls"},{"index":2,"delta":{},"finish_reason":"stop"}]""", chunks[^1]["choices"]!.ToJsonString());
        Assert.Single(chunks.SelectMany(chunk => chunk["choices"]!.AsArray()), choice => (int)choice!["index"]! == 0 && choice["finish_reason"] is not null);
        Assert.Equal(5, chunks.Count);
    }

    [Fact]
    public async Task A_choice_of_a_stream_that_broke_has_no_end()
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => StubGateway.Events(http, Says("a"));
        using var bench = new CallerBench(gateway.BaseUrl);

        var (chunks, end) = await ReadAsync(bench);

        Assert.Equal("llm.stream_failed", end.Failure?.Code);
        Assert.Null(Assert.Single(chunks)["choices"]![0]!["finish_reason"]);
    }

    // Thoughts are not passed on, and are billed all the same.
    [Fact]
    public async Task What_a_model_thought_before_it_broke_off_is_counted()
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => StubGateway.Events(http, Delta($$"""{"reasoning_content":"{{new string('x', 2392)}}"}"""), Says("12345678"));
        using var bench = new CallerBench(gateway.BaseUrl, ["secret-model-7"]);

        await ReadAsync(bench);

        // 2400 bytes are 300 to 800 tokens of 30 dollars a million.
        var evidence = Assert.Single(bench.Ledger.Of<EndCall>()).Evidence!.Value;
        Assert.Equal("counted", evidence.Source);
        Assert.InRange(evidence.LowUsd, 0.009m, 0.0094m);
        Assert.InRange(evidence.HighUsd, 0.024m, 0.026m);
    }

    public static TheoryData<string[]> StreamsWithoutContent => new()
    {
        new[] { Role, Stop, Usage, Done },
        new[] { Role, Done },
        new[] { Role },
        Array.Empty<string>(),
        new[] { Role, """{"error":{"message":"litellm.InternalServerError: broke","type":null,"code":"500"}}""" },
        new[] { Role, "not json" },
        new[] { Delta("""{"content":"\ud800"}"""), Done },
    };

    [Theory]
    [MemberData(nameof(StreamsWithoutContent))]
    public async Task Before_the_first_content_the_next_model_takes_over(string[] broken)
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, body) => body.Contains("secret-model-7", StringComparison.Ordinal)
            ? StubGateway.Events(http, broken)
            : StubGateway.Events(http, Role, Says("Hello."), Stop, Usage, Done);
        using var bench = new CallerBench(gateway.BaseUrl);

        var (chunks, end) = await ReadAsync(bench);

        Assert.Null(end.Failure);
        Assert.Equal("Hello.", Text(chunks));
        Assert.Equal("model_failed", Assert.Single(bench.Ledger.Of<NextAttempt>()).Ended.Outcome);
        Assert.Equal("other-model-8", Assert.Single(bench.Ledger.Of<EndCall>()).ResolvedModel);
    }

    [Fact]
    public async Task A_refusal_before_the_stream_is_a_failure_with_its_own_status()
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => StubGateway.Json(http, 400, StubGateway.Error("litellm.BadRequestError: OpenAIException - no."));
        using var bench = new CallerBench(gateway.BaseUrl);

        Assert.Equal("llm.request_rejected", (await bench.StreamAsync()).Failure?.Code);
        Assert.Single(gateway.Requests);
    }

    public static TheoryData<string[]> StreamsThatBreakOff => new()
    {
        new[] { Says("Hel"), """{"error":{"message":"litellm.InternalServerError: broke","type":null,"code":"500"}}""" },
        new[] { Says("Hel") },
        new[] { Says("Hel"), Stop, Usage },
        new[] { Says("Hel"), "{" },
    };

    [Theory]
    [MemberData(nameof(StreamsThatBreakOff))]
    public async Task After_the_first_content_no_other_model_takes_over(string[] broken)
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => StubGateway.Events(http, broken);
        using var bench = new CallerBench(gateway.BaseUrl);

        var (chunks, end) = await ReadAsync(bench);

        Assert.Equal("Hel", Text(chunks));
        Assert.Equal("llm.stream_failed", end.Failure?.Code);
        Assert.Single(gateway.Requests);
        var saved = Assert.Single(bench.Ledger.Of<EndCall>());
        Assert.Equal(("llm.stream_failed", null), (saved.ErrorCode, saved.ClientCostUsd));
        // It was computed and has a cost, known only if the stream said so.
        Assert.Equal(
            broken.Contains(Usage) ? (0.025m, "provider") : ((decimal?)null, "counted"), (saved.ProviderCostUsd, saved.Evidence?.Source));
    }

    [Fact]
    public async Task A_stream_that_falls_silent_is_ended()
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = async (http, _) =>
        {
            await StubGateway.Events(http, Says("Hel"));
            await Task.Delay(Timeout.Infinite, http.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        };
        var time = new HandMovedTime();
        using var bench = new CallerBench(gateway.BaseUrl, configure: options => options.StreamGapMax = TimeSpan.FromMilliseconds(300), clock: time);

        var stream = (await bench.StreamAsync()).Value;
        await stream.Chunks.ReadAsync();
        await time.MoveUntilAsync(stream.End, TimeSpan.FromMilliseconds(300));

        Assert.Equal("llm.stream_failed", (await stream.End).Failure?.Code);
        Assert.Equal("timed_out", Assert.Single(bench.Ledger.Of<EndCall>()).Ended!.Outcome);
    }

    [Fact]
    public async Task A_reader_that_leaves_does_not_stop_the_accounting()
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => StubGateway.Events(http, [.. Enumerable.Repeat(Says("word "), 500), Stop, Usage, Done]);
        using var bench = new CallerBench(gateway.BaseUrl);

        var stream = (await bench.StreamAsync()).Value;
        await stream.Chunks.ReadAsync();
        stream.Leave();
        var end = await stream.End.WaitAsync(TimeSpan.FromSeconds(60));

        Assert.Null(end.Failure);
        Assert.Equal(0.025m, Assert.Single(bench.Ledger.Of<EndCall>()).ProviderCostUsd);
    }

    [Fact]
    public async Task What_its_reader_left_is_read_on_for_a_limited_time()
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = async (http, _) =>
        {
            while (!http.RequestAborted.IsCancellationRequested)
            {
                await StubGateway.Events(http, Says("word "));
                await Task.Delay(20);
            }
        };
        using var bench = new CallerBench(gateway.BaseUrl, configure: options => options.DrainMax = TimeSpan.FromMilliseconds(200));

        var stream = (await bench.StreamAsync()).Value;
        stream.Leave();
        var end = await stream.End.WaitAsync(TimeSpan.FromSeconds(60));

        Assert.Equal("llm.stream_failed", end.Failure?.Code);
        // Cut by us: nobody knows what it cost, and unknown is not zero.
        var saved = Assert.Single(bench.Ledger.Of<EndCall>());
        Assert.Equal((null, "bounded"), (saved.ProviderCostUsd, saved.Evidence?.Source));
        Assert.InRange(saved.Evidence!.Value.LowUsd, 0.0000001m, saved.Evidence.Value.HighUsd);
    }

    [Fact]
    public async Task A_slow_reader_holds_the_provider_up_and_fills_no_memory()
    {
        await using var gateway = await StubGateway.StartAsync();
        var sent = 0;
        var chunk = Says(new string('x', 64 * 1024));
        gateway.Answer = async (http, _) =>
        {
            for (; sent < 300; Interlocked.Increment(ref sent))
            {
                await StubGateway.Events(http, chunk);
            }

            await StubGateway.Events(http, Stop, Usage, Done);
        };
        var time = new HandMovedTime();
        using var bench = new CallerBench(gateway.BaseUrl, configure: options => options.StreamGapMax = TimeSpan.FromMilliseconds(500), clock: time);

        var stream = (await bench.StreamAsync()).Value;
        var before = 0;
        await WaitUntilAsync(() => before == (before = Volatile.Read(ref sent)) && before > 0);
        Assert.InRange(before, 1, 250);

        // Longer than a gap may be: the wait is the reader's, not the provider's. Sixteen are ahead, and the next one has switched its limits off.
        await WaitUntilAsync(() => (stream.Chunks.Count, time.SwitchedOff) == (16, 2));
        time.Move(TimeSpan.FromMilliseconds(700));
        var count = 0;
        await foreach (var _ in stream.Chunks.ReadAllAsync())
        {
            count++;
        }

        var end = await stream.End;
        Assert.Equal((301, null, "worked"), (count, end.Failure, Assert.Single(bench.Ledger.Of<EndCall>()).Ended!.Outcome));
    }

    // Else it reads for nothing: what it got is not billed when the call fails at its deadline.
    [Fact]
    public async Task A_reader_that_holds_the_call_up_past_its_deadline_is_left_and_the_answer_is_billed()
    {
        var (gateway, bench, time, stream, end) = await HeldUpAsync();
        await using var stub = gateway;
        using var caller = bench;

        time.Move(TimeSpan.FromSeconds(2));
        await WaitUntilAsync(() => stream.ReaderFault is not null);
        end.SetResult();

        Assert.Null((await stream.End.WaitAsync(TimeSpan.FromSeconds(60))).Failure);
        var saved = Assert.Single(bench.Ledger.Of<EndCall>());
        Assert.Equal((null, 0.025m, "provider"), (saved.ErrorCode, saved.ProviderCostUsd, saved.Evidence?.Source));
        Assert.Equal("llm.read_too_slowly", stream.ReaderFault?.Code);
        Assert.Equal(16, (await ReadAsync(stream)).Count);
    }

    // The provider's time goes on where it stood still, and ends.
    [Fact]
    public async Task What_a_slow_reader_did_not_take_is_read_on_for_no_longer_than_the_call_had()
    {
        var (gateway, bench, time, stream, _) = await HeldUpAsync();
        await using var stub = gateway;
        using var caller = bench;

        await time.MoveUntilAsync(stream.End, TimeSpan.FromMilliseconds(250));

        Assert.Equal("llm.stream_failed", (await stream.End).Failure?.Code);
        var evidence = Assert.Single(bench.Ledger.Of<EndCall>()).Evidence!.Value;
        Assert.Equal("bounded", evidence.Source);
        Assert.InRange(evidence.LowUsd, 0.0000001m, evidence.HighUsd);
    }

    [Fact]
    public async Task A_reader_that_was_slow_in_time_gets_all()
    {
        var (gateway, bench, time, stream, end) = await HeldUpAsync();
        await using var stub = gateway;
        using var caller = bench;

        time.Move(TimeSpan.FromMilliseconds(900));
        end.SetResult();
        var chunks = await ReadAsync(stream);

        Assert.Equal((41, null, null), (chunks.Count, (await stream.End).Failure, stream.ReaderFault));
    }

    // A call of a second, at whose seventeenth chunk of forty it waits for its reader. The gateway waits for the test before it ends.
    private static async Task<(StubGateway Gateway, CallerBench Bench, HandMovedTime Time, LlmStream Stream, TaskCompletionSource End)> HeldUpAsync()
    {
        var gateway = await StubGateway.StartAsync();
        var end = new TaskCompletionSource();
        gateway.Answer = async (http, _) =>
        {
            await StubGateway.Events(http, [.. Enumerable.Repeat(Says("word "), 40)]);
            await end.Task.WaitAsync(http.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await StubGateway.Events(http, Stop, Usage, Done);
        };
        var time = new HandMovedTime();
        var bench = new CallerBench(gateway.BaseUrl, configure: options => options.CallTimeout = TimeSpan.FromSeconds(1), clock: time);
        var stream = (await bench.StreamAsync()).Value;
        await WaitUntilAsync(() => (stream.Chunks.Count, time.SwitchedOff) == (16, 2));
        return (gateway, bench, time, stream, end);
    }

    [Fact]
    public async Task A_silent_model_is_waited_for_no_longer_than_the_callers_patience()
    {
        await using var gateway = await StubGateway.StartAsync();
        var go = new TaskCompletionSource();
        gateway.Answer = async (http, _) =>
        {
            await go.Task;
            await StubGateway.Events(http, Says("Hello."), Stop, Usage, Done);
        };
        using var bench = new CallerBench(gateway.BaseUrl);

        var stream = (await bench.StreamAsync(TimeSpan.FromMilliseconds(100))).Value;
        Assert.False(stream.Chunks.TryRead(out _));
        go.SetResult();

        Assert.Equal("Hello.", Text(await ReadAsync(stream)));
    }

    [Fact]
    public async Task A_request_that_is_its_own_job_opens_and_ends_it_with_the_call()
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => StubGateway.Events(http, Says("Hello."), Stop, Usage, Done);
        using var bench = new CallerBench(gateway.BaseUrl);
        var job = new OpenJob(JobId.New(TimeProvider.System), "team_1", "chat", null, null, "{}", TimeSpan.FromHours(1), 1);

        var stream = (await bench.StreamAsync(job: job)).Value;
        var end = await stream.End;

        Assert.Equal("completed", end.Value.Job!.Status);
        Assert.Equal([typeof((OpenJob, StartCall)), typeof(EndCall)], bench.Ledger.Commands.Select(command => command.GetType()));
    }

    private static async Task<(List<JsonNode> Chunks, Result<LlmAnswer> End)> ReadAsync(CallerBench bench)
    {
        var stream = (await bench.StreamAsync()).Value;
        return (await ReadAsync(stream), await stream.End);
    }

    private static async Task<List<JsonNode>> ReadAsync(LlmStream stream)
    {
        List<JsonNode> chunks = [];
        await foreach (var chunk in stream.Chunks.ReadAllAsync())
        {
            chunks.Add(JsonNode.Parse(chunk.Span)!);
        }

        return chunks;
    }

    private static string Text(IEnumerable<JsonNode> chunks) => string.Concat(chunks.Select(chunk => (string?)chunk["choices"]![0]!["delta"]!["content"]));

    private static string Of(int choice, string chunk) => chunk.Replace("[{\"index\":0", $"[{{\"index\":{choice}", StringComparison.Ordinal);

    private static string Says(string text) => Delta($$"""{"content":"{{text}}"}""");

    private static string Delta(string delta) => $$$"""{"id":"up-1","model":"secret-model-7","choices":[{"index":0,"delta":{{{delta}}},"provider_specific_fields":{"x":1} }]}""";

    private static async Task WaitUntilAsync(Func<bool> condition)
    {
        for (var tries = 0; tries < 300; tries++)
        {
            await Task.Delay(200);
            if (condition())
            {
                return;
            }
        }

        Assert.Fail("It never came to rest.");
    }
}
