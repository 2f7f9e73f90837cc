using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Llm.Bodies;
using SaasLlm.Core.Llm.Keys;
using SaasLlm.Tests.Credits;

namespace SaasLlm.Tests.Llm.Bodies;

/// <summary>A call whose body is kept is billed and answered like any other, whatever becomes of its copy.</summary>
public sealed class RecordedCallTests(LedgerStores stores) : IClassFixture<LedgerStores>
{
    [Fact]
    public async Task A_full_queue_changes_nothing_of_a_call()
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => StubGateway.Json(http, 200, StubGateway.Completion());
        using var bench = new CallerBench(gateway.BaseUrl);
        await using var source = NpgsqlDataSource.Create(stores.Postgres);
        using var queue = Queue(source, bench.Metrics, waitingMax: 1);
        bench.Recorder.To = queue;

        var answers = new[] { await bench.CallAsync(), await bench.CallAsync() };

        Assert.All(answers, answer => Assert.Null(answer.Failure));
        Assert.Equal(2, bench.Ledger.Of<EndCall>().Count());
        Assert.Equal(["saasllm.llm.reason=full"], bench.Metrics.Of("saasllm.llm.bodies.dropped").SelectMany(one => one.Texts));
    }

    [Theory]
    [InlineData(1000, 21)]
    [InlineData(20, 21)]
    public async Task A_stream_that_is_too_long_keeps_its_size_and_goes_on_as_it_is(int bytesMax, int said)
    {
        await using var gateway = await StubGateway.StartAsync();
        const string chunk = """{"id":"up","choices":[{"index":0,"delta":{"content":"seven!!"}}]}""";
        gateway.Answer = (http, _) => StubGateway.Events(http, chunk, chunk, chunk,
            """{"id":"up","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}""", """{"id":"up","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":3}}""", "[DONE]");
        using var bench = new CallerBench(gateway.BaseUrl);
        await using var source = NpgsqlDataSource.Create(stores.Postgres);
        using var queue = Queue(source, bench.Metrics, waitingMax: 10);
        (bench.Recorder.To, bench.Recorder.BytesMax) = (queue, bytesMax);

        var stream = (await bench.StreamAsync()).Value;
        var chunks = 0;
        await foreach (var _ in stream.Chunks.ReadAllAsync())
        {
            chunks++;
        }

        Assert.Null((await stream.End).Failure);
        Assert.Equal(4, chunks);
        await queue.StartAsync(default);
        await queue.StopAsync(default);
        await using var command = source.CreateCommand($"SELECT answer IS NOT NULL, answer_bytes FROM llm_call_bodies WHERE call_id = '{stream.CallId}'");
        await using var row = await command.ExecuteReaderAsync();
        Assert.True(await row.ReadAsync());
        Assert.Equal(bytesMax == 1000, row.GetBoolean(0));
        Assert.InRange(row.GetInt32(1), said, bytesMax == 1000 ? 300 : said);
    }

    private static CallBodyQueue Queue(NpgsqlDataSource source, MetricLog metrics, int waitingMax) => new(
        new(source, new(Options.Create(new EncryptionOptions { Key = "encryption-key-of-the-tests-0123" }))), new(metrics),
        Options.Create(new CallBodyOptions { WaitingMax = waitingMax }), TimeProvider.System, NullLogger<CallBodyQueue>.Instance);
}
