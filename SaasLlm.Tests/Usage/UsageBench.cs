using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Usage;
using SaasLlm.Tests.Credits;

namespace SaasLlm.Tests.Usage;

/// <summary>A database of its own whose clock each ledger and each roller may read another way.</summary>
internal sealed class UsageBench : IAsyncDisposable
{
    private readonly LedgerStores _stores;
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly MeterListener _listener = new();
    private readonly List<IAsyncDisposable> _owned = [];

    private UsageBench(LedgerStores stores)
    {
        _stores = stores;
        Source = Own(NpgsqlDataSource.Create(stores.Postgres));
        Reader = new(Source);
        Meters = _services.GetRequiredService<IMeterFactory>();
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (ReferenceEquals(instrument.Meter.Scope, Meters) && instrument.Name == "saasllm.usage.corrections")
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((_, value, _, _) => Corrections += (int)value);
        _listener.Start();
    }

    public NpgsqlDataSource Source { get; }

    public UsageReader Reader { get; }

    /// <summary>How many hours were made anew.</summary>
    public int Corrections { get; private set; }

    private IMeterFactory Meters { get; }

    public static async Task<UsageBench> CreateAsync(Infrastructure.AppFixture app)
    {
        await Infrastructure.WallClock.NotNearTheHourAsync();
        var stores = new LedgerStores(app);
        await stores.InitializeAsync();
        return new(stores);
    }

    /// <summary>A ledger whose money time is so far from now.</summary>
    public LedgerHarness Ledger(TimeSpan shift) => Own(new LedgerHarness(Shifted(shift), _stores.Redis));

    /// <summary>A roller whose now is so far from now.</summary>
    public UsageRoller Roller(TimeSpan shift = default)
        => new(Own(NpgsqlDataSource.Create(Shifted(shift))), Options.Create(new UsageOptions()), new(Meters));

    public RollUpUsagePass Pass(TimeSpan shift = default)
        => new(Roller(shift), Options.Create(new UsageOptions()), NullLogger<RollUpUsagePass>.Instance);

    public RecheckUsagePass Nightly(TimeSpan? window = null)
        => new(Roller(), Options.Create(new UsageOptions { NightlyWindow = window ?? TimeSpan.FromDays(2) }), NullLogger<RecheckUsagePass>.Instance);

    /// <summary>Rolls up all hours that are closed at that time; how many.</summary>
    public async Task<int> RollAsync(TimeSpan shift = default)
    {
        var (roller, hours) = (Roller(shift), 0);
        while (await roller.RollNextAsync(default))
        {
            hours++;
        }

        return hours;
    }

    public async Task ExecuteAsync(string sql)
    {
        await using var command = Source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    public async Task<T> ScalarAsync<T>(string sql)
    {
        await using var command = Source.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        foreach (var owned in _owned)
        {
            await owned.DisposeAsync();
        }

        await _services.DisposeAsync();
    }

    private string Shifted(TimeSpan shift) => new NpgsqlConnectionStringBuilder(_stores.Postgres)
    {
        Options = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"-c saasllm.clock_shift={(long)shift.TotalSeconds}s"),
        MaxPoolSize = 4,
    }.ConnectionString;

    private T Own<T>(T disposable)
        where T : IAsyncDisposable
    {
        _owned.Add(disposable);
        return disposable;
    }
}

/// <summary>A team's work at some time.</summary>
internal static class UsageWork
{
    /// <summary>A job with its calls: opened, called, closed.</summary>
    public static async Task<JobId> JobAsync(
        this LedgerHarness api, string team, string type, string? user, string? status, params (string Group, string? Model, int Tokens)[] calls)
    {
        var job = JobId.New(TimeProvider.System);
        Assert.Null((await api.Ledger.OpenJobAsync(new(job, team, type, user, null, "{}", TimeSpan.FromDays(20), 100), default)).Failure);
        foreach (var (group, model, tokens) in calls)
        {
            var start = LedgerHarness.Intent(team, job) with { ModelGroup = group };
            Assert.Null((await api.Ledger.StartCallAsync(start, default)).Failure);
            var cost = tokens % 7 == 0 ? (decimal?)null : tokens * 0.00001m;
            Assert.Null((await api.Ledger.EndCallAsync(LedgerHarness.End(start, model is null ? "llm.all_models_failed" : null) with
            {
                ResolvedModel = model,
                Usage = new(tokens, tokens / 3, tokens * 2, tokens / 5),
                ProviderCostUsd = cost,
                ClientCostUsd = cost * 1.2m,
                Evidence = tokens % 3 == 0 ? null : new(UsageSource.Bounded, tokens * 0.00001m, tokens * (tokens % 3) * 0.00001m),
                LatencyMs = tokens,
            }, default)).Failure);
        }

        if (status is not null)
        {
            Assert.Null((await api.CloseAsync(team, job, status)).Failure);
        }

        return job;
    }
}
