using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;
using SaasLlm.Core.Common;
using SaasLlm.Core.Data;
using SaasLlm.Core.Llm.Bodies;
using SaasLlm.Core.Llm.Keys;
using SaasLlm.Tests.Credits;
using TcpProxy = SaasLlm.Tests.Access.TcpProxy;

namespace SaasLlm.Tests.Llm.Bodies;

/// <summary>What waits to be written: bounded, dropped loudly, written at the end, and gone when its time is over.</summary>
public sealed class CallBodyQueueTests(LedgerStores stores) : IClassFixture<LedgerStores>
{
    private const string Secret = "what nobody may read in the log";

    [Theory]
    [InlineData(3, 1_000_000)]
    [InlineData(1000, 3 * (512 + 44 + 22))]
    public async Task What_does_not_fit_is_dropped_counted_and_logged_once_and_the_rest_is_written_at_the_end(int calls, long bytes)
    {
        await using var source = NpgsqlDataSource.Create(stores.Postgres);
        var team = Team();
        using var bench = new Bench(source, new() { WaitingMax = calls, WaitingBytesMax = bytes });

        // Nobody writes yet.
        var kept = Enumerable.Range(0, 5).Select(_ => bench.Keep(team)).ToList();
        Assert.Equal(["saasllm.llm.reason=full", "saasllm.llm.reason=full"], bench.Metrics.Of("saasllm.llm.bodies.dropped").SelectMany(one => one.Texts));
        await bench.Queue.StartAsync(default);
        await bench.Queue.StopAsync(default);

        Assert.Equal(kept.Take(3).Order(), await CallsAsync(source, team));
        Assert.Equal(3m, bench.Metrics.Of("saasllm.llm.bodies.kept").Sum(one => one.Value));
        Assert.Equal(["The bodies of 1 calls are not kept, the last for this reason: full"], bench.Log.Lines);

        // The room is there again, but the process ends: nobody would write it.
        bench.Keep(team);
        Assert.Equal(3, bench.Metrics.Of("saasllm.llm.bodies.dropped").Count);
    }

    [Fact]
    public async Task While_postgres_is_gone_it_waits_and_then_writes_each_once()
    {
        await using var source = NpgsqlDataSource.Create(stores.Postgres);
        using var wire = Wire(out var through);
        await using var cut = NpgsqlDataSource.Create(through);
        var team = Team();
        using var bench = new Bench(cut, new());
        await bench.Queue.StartAsync(default);
        wire.Cut();

        var kept = Enumerable.Range(0, 3).Select(_ => bench.Keep(team)).Order().ToList();
        await Task.Delay(TimeSpan.FromMilliseconds(500));
        Assert.Empty(await CallsAsync(source, team));
        wire.Mend();
        await bench.Queue.StopAsync(default);

        Assert.Equal(kept, await CallsAsync(source, team));
        Assert.Empty(bench.Metrics.Of("saasllm.llm.bodies.dropped"));
    }

    [Fact]
    public async Task When_postgres_is_gone_for_too_long_they_are_dropped_and_no_content_is_logged()
    {
        using var wire = Wire(out var through);
        await using var cut = NpgsqlDataSource.Create(through);
        using var bench = new Bench(cut, new() { TryFor = TimeSpan.FromMilliseconds(300) });
        wire.Cut();
        bench.Keep(Team());
        bench.Keep(Team());

        await bench.Queue.StartAsync(default);
        await bench.Queue.StopAsync(default);

        var dropped = bench.Metrics.Of("saasllm.llm.bodies.dropped");
        Assert.Equal(2m, dropped.Sum(one => one.Value));
        Assert.Equal(["saasllm.llm.reason=store_gone"], dropped.SelectMany(one => one.Texts).Distinct());
        Assert.DoesNotContain(Secret, string.Concat(bench.Log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_process_that_may_wait_no_longer_gives_up()
    {
        using var wire = Wire(out var through);
        await using var cut = NpgsqlDataSource.Create(through);
        using var bench = new Bench(cut, new());
        wire.Cut();
        bench.Keep(Team());
        await bench.Queue.StartAsync(default);

        await bench.Queue.StopAsync(new CancellationToken(canceled: true));

        Assert.Equal(["saasllm.llm.reason=store_gone"], bench.Metrics.Of("saasllm.llm.bodies.dropped").SelectMany(one => one.Texts));
    }

    [Fact]
    public async Task A_body_that_cannot_be_made_or_written_costs_nobody_anything_but_itself()
    {
        await using var source = NpgsqlDataSource.Create(stores.Postgres);
        var team = Team();
        using var bench = new Bench(source, new());
        bench.Queue.Keep(() => throw new InvalidOperationException("made badly"));
        bench.Keep(team, days: 0);
        await bench.Queue.StartAsync(default);
        while (bench.Metrics.Of("saasllm.llm.bodies.dropped").Count < 2)
        {
            await Task.Delay(10);
        }

        var good = bench.Keep(team);
        await bench.Queue.StopAsync(default);

        Assert.Equal([good], await CallsAsync(source, team));
        Assert.Equal(["saasllm.llm.reason=broken", "saasllm.llm.reason=broken"], bench.Metrics.Of("saasllm.llm.bodies.dropped").SelectMany(one => one.Texts));
    }

    [Fact]
    public async Task A_repeat_with_the_same_time_writes_nothing_twice()
    {
        await using var source = NpgsqlDataSource.Create(stores.Postgres);
        var (team, store) = (Team(), new CallBodyStore(source, Cipher()));
        var row = store.Seal(Body(team, CallId.New(TimeProvider.System)));
        var now = await store.NowAsync(default);

        await store.InsertAsync([row], now, default);
        await store.InsertAsync([row], now, default);

        Assert.Single(await CallsAsync(source, team));
    }

    [Fact]
    public async Task It_is_read_until_its_time_is_over_and_with_its_own_ids_only()
    {
        await using var source = NpgsqlDataSource.Create(stores.Postgres);
        var (team, other, store) = (Team(), Team(), new CallBodyStore(source, Cipher()));
        var body = Body(team, CallId.New(TimeProvider.System), days: 90);
        await store.InsertAsync([store.Seal(body)], await store.NowAsync(default), default);

        var found = (await Reader("89 days 23:59").FindAsync(team, body.JobId, body.CallId, default)).Value;

        Assert.Equal((Secret, 1), (found.Request!.Value.GetProperty("prompt").GetString(), found.Answer!.Value.GetProperty("n").GetInt32()));
        Assert.Equal("call_body.not_kept", (await Reader("90 days").FindAsync(team, body.JobId, body.CallId, default)).Failure?.Code);
        Assert.Equal("call_body.not_kept", (await Reader("0").FindAsync(other, body.JobId, body.CallId, default)).Failure?.Code);
        Assert.Equal("call_body.not_kept", (await Reader("0").FindAsync(team, JobId.New(TimeProvider.System), body.CallId, default)).Failure?.Code);
        // Put into another call's row, or another team's, it does not open.
        await using var move = source.CreateCommand($"UPDATE llm_call_bodies SET team_id = '{other}' WHERE team_id = '{team}'");
        Assert.Equal(1, await move.ExecuteNonQueryAsync());
        Assert.Equal("call_body.unreadable", (await Reader("0").FindAsync(other, body.JobId, body.CallId, default)).Failure?.Code);
    }

    [Theory]
    [InlineData(100, 100, null)]
    [InlineData(101, 100, null)]
    [InlineData(100, 101, null)]
    [InlineData(101, 102, "call_body.too_long")]
    public async Task Of_what_is_too_long_only_the_size_is_kept(int request, int answer, string? code)
    {
        await using var source = NpgsqlDataSource.Create(stores.Postgres);
        var (team, store) = (Team(), new CallBodyStore(source, Cipher()));
        var body = Body(team, CallId.New(TimeProvider.System)) with
        {
            Request = BodyText.Of(Sized(request), 100),
            Answer = BodyText.Of(Sized(answer), 100),
        };
        await store.InsertAsync([store.Seal(body)], await store.NowAsync(default), default);

        var found = await Reader("0").FindAsync(team, body.JobId, body.CallId, default);

        Assert.Equal(code, found.Failure?.Code);
        if (code is null)
        {
            Assert.Equal((request, answer), (found.Value.Row.RequestBytes, found.Value.Row.AnswerBytes));
            Assert.Equal((request <= 100, answer <= 100), (found.Value.Request is not null, found.Value.Answer is not null));
        }
        else
        {
            Assert.Equal([request, answer], found.Failure!.Details!.Values.Cast<int>());
        }
    }

    private static JsonElement Sized(int bytes) => JsonElement.Parse("{\"x\":\"" + new string('x', bytes - "{\"x\":\"\"}".Length) + "\"}");

    private static string Team() => $"team_{Guid.NewGuid():N}";

    private static CallBodyCipher Cipher() => new(Options.Create(new EncryptionOptions { Key = "encryption-key-of-the-tests-0123" }));

    // 44 bytes and 22.
    private static CallBody Body(string team, CallId call, int days = 1) => new(
        team, call, JobId.New(TimeProvider.System), "G", null, days,
        BodyText.Of(JsonElement.Parse($$"""{"prompt":"{{Secret}}"}"""), 1000), BodyText.Of(JsonElement.Parse("{\"n\":1,\"pad\":\"123456\"}"), 1000));

    private CallBodyReader Reader(string shift) => new(new Contexts($"{stores.Postgres};Options=-c saasllm.clock_shift={shift.Replace(" ", "\\ ", StringComparison.Ordinal)}"), Cipher());

    private TcpProxy Wire(out string through)
    {
        var there = new NpgsqlConnectionStringBuilder(stores.Postgres);
        var wire = new TcpProxy(there.Host!, there.Port);
        (there.Host, there.Port, there.Timeout) = ("127.0.0.1", wire.Port, 60);
        through = there.ConnectionString;
        return wire;
    }

    private static async Task<List<Guid>> CallsAsync(NpgsqlDataSource source, string team)
    {
        await using var command = source.CreateCommand($"SELECT call_id FROM llm_call_bodies WHERE team_id = '{team}'");
        await using var rows = await command.ExecuteReaderAsync();
        List<Guid> calls = [];
        while (await rows.ReadAsync())
        {
            calls.Add(rows.GetGuid(0));
        }

        calls.Sort();
        return calls;
    }

    private sealed class Bench : IDisposable
    {
        public Bench(NpgsqlDataSource source, CallBodyOptions options)
            => Queue = new(new(source, Cipher()), new(Metrics), Options.Create(options), TimeProvider.System, Log);

        public MetricLog Metrics { get; } = new();

        public LogLines Log { get; } = new();

        public CallBodyQueue Queue { get; }

        public Guid Keep(string team, int days = 1)
        {
            var call = CallId.New(TimeProvider.System);
            Queue.Keep(() => Body(team, call, days));
            return call.Value;
        }

        public void Dispose()
        {
            Queue.Dispose();
            Metrics.Dispose();
        }
    }

    private sealed class LogLines : ILogger<CallBodyQueue>
    {
        private readonly List<string> _lines = [];

        public IReadOnlyList<string> Lines => _lines;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull
            => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
            => _lines.Add(formatter(state, exception) + exception);
    }

    private sealed class Contexts(string postgres) : IDbContextFactory<SaasLlmDbContext>
    {
        public SaasLlmDbContext CreateDbContext() => new(new DbContextOptionsBuilder<SaasLlmDbContext>().UseNpgsql(postgres).Options);
    }
}
