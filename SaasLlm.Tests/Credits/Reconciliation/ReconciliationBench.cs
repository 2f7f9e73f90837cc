using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using SaasLlm.Core.Credits.Reconciliation;
using SaasLlm.Core.Credits.Redis;

namespace SaasLlm.Tests.Credits.Reconciliation;

/// <summary>A job runner's worth of reconciliation beside a ledger, with its log and its metrics.</summary>
internal sealed class ReconciliationBench : IAsyncDisposable
{
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly MeterListener _listener = new();
    private readonly ErrorLog _log = new();

    public ReconciliationBench(LedgerHarness api, Action<ReconciliationOptions>? configure = null)
    {
        // What a test looks at was changed a moment ago.
        var options = new ReconciliationOptions { PushPatience = TimeSpan.Zero };
        configure?.Invoke(options);
        var meters = _services.GetRequiredService<IMeterFactory>();
        var telemetry = new ReconciliationTelemetry(meters);
        var store = new ReconciliationStore(options, TimeProvider.System);
        var reader = new ReconciliationReader(options);
        Teams = new(
            reader, new RedisReconciler(new(api.Redis), api.Redis, api.Balances, options, telemetry), store, telemetry, _log);
        Pass = new(
            api.Source, reader, Teams, store, options, telemetry, TimeProvider.System, NullLogger<ReconciliationPass>.Instance);
        Source = api.Source;
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (ReferenceEquals(instrument.Meter.Scope, meters))
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
        {
            var name = string.Concat([instrument.Name.Split('.')[^1], .. tags.ToArray().Select(tag => $" {tag.Value}")]);
            Metrics.AddOrUpdate(name, value, (_, before) => instrument is ObservableGauge<long> ? value : before + value);
        });
        _listener.Start();
    }

    public TeamReconciler Teams { get; }

    public ReconciliationPass Pass { get; }

    /// <summary>By the instrument's last name and its tags: <c>repaired redis_behind</c>.</summary>
    public ConcurrentDictionary<string, long> Metrics { get; } = new(StringComparer.Ordinal);

    /// <summary>What was logged at Error.</summary>
    public IReadOnlyCollection<string> Errors => _log.Lines;

    private Npgsql.NpgsqlDataSource Source { get; }

    /// <summary>Checks teams, as a pass does.</summary>
    public async Task<(IReadOnlyList<Difference> InPostgres, RedisOutcome InRedis)> CheckAsync(params string[] teams)
    {
        await using var connection = await Source.OpenConnectionAsync();
        return await Teams.CheckAsync(connection, teams, default);
    }

    /// <summary>Passes until the run is over; how many.</summary>
    public async Task<int> RunAsync()
    {
        var passes = 1;
        while (await Pass.RunAsync(default))
        {
            passes++;
        }

        return passes;
    }

    /// <summary>Reads the gauges into <see cref="Metrics"/>.</summary>
    public void Observe() => _listener.RecordObservableInstruments();

    public ValueTask DisposeAsync()
    {
        _listener.Dispose();
        return _services.DisposeAsync();
    }

    private sealed class ErrorLog : ILogger<TeamReconciler>
    {
        public ConcurrentQueue<string> Lines { get; } = new();

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (logLevel == LogLevel.Error)
            {
                Lines.Enqueue(formatter(state, exception));
            }
        }
    }
}
