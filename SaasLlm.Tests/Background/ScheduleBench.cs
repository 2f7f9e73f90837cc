using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;
using SaasLlm.Core.Background;
using SaasLlm.Tests.Credits;

namespace SaasLlm.Tests.Background;

/// <summary>A runner's schedules over a database that other runners share.</summary>
internal sealed class ScheduleBench : IAsyncDisposable
{
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();

    public ScheduleBench(NpgsqlDataSource source, TimeSpan? lease, params IBackgroundPass[] passes)
    {
        Tasks = [.. passes.Select(pass => new BackgroundTask(pass))];
        Schedules = new(
            Tasks, new(source), new(_services.GetRequiredService<IMeterFactory>()),
            Options.Create(new BackgroundOptions { LeaseDuration = lease ?? TimeSpan.FromSeconds(30) }), TimeProvider.System, NullLogger<Schedules>.Instance);
    }

    public Schedules Schedules { get; }

    public IReadOnlyList<BackgroundTask> Tasks { get; }

    /// <summary>What is due now, to the end; how many runs that were.</summary>
    public async Task<int> RunDueAsync()
    {
        var started = await Schedules.StartDueAsync(default);
        await Task.WhenAll(started);
        await Schedules.DrainAsync();
        return started.Count;
    }

    public ValueTask DisposeAsync() => _services.DisposeAsync();
}

/// <summary>A schedule that does what its test says.</summary>
internal sealed class TestSchedule(Func<CancellationToken, Task<bool>> run, TimeSpan? interval = null) : IScheduledPass
{
    private int _runs;
    private int _prepared;

    public int Runs => _runs;

    public int Prepared => _prepared;

    public string Name => "test-schedule";

    public TimeSpan Interval => interval ?? TimeSpan.FromHours(1);

    public async Task<bool> RunAsync(CancellationToken cancellation)
    {
        Interlocked.Increment(ref _runs);
        return await run(cancellation);
    }

    public Task PrepareRequestedAsync(CancellationToken cancellation)
    {
        Interlocked.Increment(ref _prepared);
        return Task.CompletedTask;
    }
}

/// <summary>A pass that every runner makes.</summary>
internal sealed class TestPass(Func<Task<bool>> run, TimeSpan? interval = null) : IBackgroundPass
{
    private int _prepared;

    public int Prepared => _prepared;

    public string Name => "test-pass";

    public TimeSpan Interval => interval ?? TimeSpan.FromHours(1);

    public Task<bool> RunAsync(CancellationToken cancellation) => run();

    public Task PrepareRequestedAsync(CancellationToken cancellation)
    {
        Interlocked.Increment(ref _prepared);
        return Task.CompletedTask;
    }
}

/// <summary>A database of a test's own.</summary>
internal sealed class TaskDatabase(string postgres) : IAsyncDisposable
{
    public NpgsqlDataSource Source { get; } = NpgsqlDataSource.Create(postgres);

    public static async Task<TaskDatabase> CreateAsync(Infrastructure.AppFixture app)
    {
        var stores = new LedgerStores(app);
        await stores.InitializeAsync();
        return new(stores.Postgres);
    }

    public Task<ScheduledTask> TaskAsync(string name) => ValueAsync(new TaskReader(Source).FindAsync(name, default));

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

    public ValueTask DisposeAsync() => Source.DisposeAsync();

    private static async Task<T> ValueAsync<T>(Task<Core.Common.Result<T>> result) => (await result).Value;
}
