using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;
using SaasLlm.Core.Changes;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Credits.Redis;
using SaasLlm.Core.Llm.Limits;
using SaasLlm.Core.Teams;
using StackExchange.Redis;

namespace SaasLlm.Tests.Llm.Limits;

/// <summary>What one replica limits calls with, on a real Redis.</summary>
internal sealed class LimitBench : IDisposable
{
    /// <summary>No Redis is there.</summary>
    public const string Nowhere = "127.0.0.1:1";

    private readonly ConnectionMultiplexer _redis;
    private readonly NpgsqlDataSource _nowhere = NpgsqlDataSource.Create("Host=127.0.0.1;Port=1");
    private readonly Meters _meters = new();
    private readonly MeterListener _listener = new();
    private long _unchecked;

    public LimitBench(string redis, Action<LimitOptions>? configure = null)
    {
        var options = ConfigurationOptions.Parse(redis);
        options.AbortOnConnectFail = false;
        // Where nobody listens that is soon known; where Redis is, it is waited for.
        options.ConnectTimeout = redis == Nowhere ? 500 : 60_000;
        _redis = ConnectionMultiplexer.Connect(options);
        configure?.Invoke(Options);
        var guard = new RedisGuard(TimeProvider.System, TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(2), new LedgerTelemetry(_meters));
        // No balance of a test is too old to refuse by, and no reservation ends by itself.
        Balances = new(_redis, guard, new() { RefusalAgeMax = TimeSpan.FromMinutes(1), ReservationLease = TimeSpan.FromMinutes(5) });
        Windows = new(_redis, guard, Balances, Microsoft.Extensions.Options.Options.Create(Options));
        // Calls here are made with keys: nobody asks for a team's limits.
        var teams = new TeamLimits(_nowhere, new ChangeFeed(_redis, TimeProvider.System, NullLogger<ChangeFeed>.Instance), TimeProvider.System);
        Limiter = new CallLimiter(
            Windows, teams, new LimitTelemetry(_meters), TimeProvider.System);
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Name == "saasllm.llm.limits.unchecked" && _meters.Made.Contains(instrument.Meter))
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((_, amount, _, _) => Interlocked.Add(ref _unchecked, amount));
        _listener.Start();
    }

    public LimitOptions Options { get; } = new();

    public LimitWindows Windows { get; }

    public RedisBalances Balances { get; }

    public ICallLimiter Limiter { get; }

    public IDatabase Redis => _redis.GetDatabase();

    /// <summary>Calls that went through because Redis did not answer.</summary>
    public long Unchecked => Interlocked.Read(ref _unchecked);

    public static string NewTeam() => $"team_{Guid.NewGuid():N}";

    public static LimitLevel Team(string team, int? requests = null, long? tokens = null, int? parallel = null)
        => new("team", team, new(requests, tokens, parallel));

    public static LimitLevel Key(string key, int? requests = null, long? tokens = null, int? parallel = null)
        => new("key", key, new(requests, tokens, parallel));

    public static TeamCaller Caller(RateLimits team = default, RateLimits key = default)
        => new(NewTeam(), "org", Guid.NewGuid(), IsSuspended: false) { TeamLimits = team, KeyLimits = key };

    /// <param name="now">Null is the server's clock.</param>
    public async Task<AdmitReply> AdmitAsync(
        DateTimeOffset? now, LimitLevel[] levels, long tokens = 0, CallId? call = null, TimeSpan? lease = null, string? team = null)
        => await Windows.AdmitAsync(
            team ?? levels[0].Id, levels, call ?? CallId.New(TimeProvider.System), tokens, lease ?? TimeSpan.FromMinutes(5), now: now)
            ?? throw new InvalidOperationException("Redis did not answer.");

    public void Dispose()
    {
        _listener.Dispose();
        _meters.Dispose();
        _redis.Dispose();
        _nowhere.Dispose();
    }

    private sealed class Meters : IMeterFactory
    {
        public List<Meter> Made { get; } = [];

        public Meter Create(MeterOptions options)
        {
            var meter = new Meter(options);
            Made.Add(meter);
            return meter;
        }

        public void Dispose() => Made.ForEach(meter => meter.Dispose());
    }
}
