using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using SaasLlm.Core.Common;
using SaasLlm.Core.Data;
using SaasLlm.Core.Jobs.Background;

namespace SaasLlm.Benchmarks.Jobs;

/// <summary>Queued steps in a database of their own, and the statements that take and end them, alone: no call, no ledger, no runner.</summary>
internal sealed class StepQueue : IAsyncDisposable
{
    private const int ClaimedAtOnce = 64;
    private const int OutputBytes = 700;

    // Sizes as a runner's: a request, and beside it what a chat completion of some sentences and its end take.
    private const string Fill = """
        INSERT INTO background_jobs (team_id, job_id, state, total, in_flight, max_parallelism, priority, on_step_failure, run_at, due_at, started_at)
        SELECT team, job, 'active', $steps, CASE WHEN $chained THEN 1 ELSE least($steps, 256) END, 256, 5, 'fail', now(), now() + interval '1 day', now() FROM new_jobs;

        INSERT INTO background_steps (team_id, job_id, ordinal, name, model_group, request, priority, max_tries, status, depends_on, dependents, open_dependencies)
        SELECT team, job, i, i::text, 'bench-quick', decode(repeat('5a', 300), 'hex'), 5, 3,
               CASE WHEN $chained AND i > 0 OR i >= 256 THEN 'waiting' ELSE 'ready' END,
               CASE WHEN $chained AND i > 0 THEN ARRAY[i - 1] ELSE '{}' END, CASE WHEN $chained AND i < $steps - 1 THEN ARRAY[i + 1] ELSE '{}' END,
               CASE WHEN $chained AND i > 0 THEN 1 ELSE 0 END
          FROM new_jobs CROSS JOIN generate_series(0, $steps - 1) AS i;

        INSERT INTO background_teams (team_id, ready)
        SELECT team, count(*) * CASE WHEN $chained THEN 1 ELSE least($steps, 256) END FROM new_jobs GROUP BY team
            ON CONFLICT (team_id) DO UPDATE SET ready = background_teams.ready + EXCLUDED.ready
        """;

    private static readonly byte[] s_output = new byte[OutputBytes];
    private static readonly TimeSpan s_lease = TimeSpan.FromSeconds(30);

    private readonly NpgsqlDataSource _source;
    private readonly BackgroundDatabase _database;
    private readonly StepStore _store;
    private long _jobs;

    private StepQueue(string postgres)
    {
        _source = NpgsqlDataSource.Create(postgres);
        _database = new(postgres, NullLoggerFactory.Instance);
        _store = new(_database, TimeProvider.System);
    }

    public static async Task<StepQueue> CreateAsync(string server, string name, CancellationToken cancellation)
    {
        var postgres = new NpgsqlConnectionStringBuilder(server) { Database = $"saasllm_{name}" }.ConnectionString;
        await new SchemaMigrator(TimeProvider.System, NullLogger<SchemaMigrator>.Instance).MigrateAsync(postgres, TimeSpan.FromMinutes(1), cancellation);
        return new(postgres);
    }

    /// <summary>More jobs, spread over the teams.</summary>
    /// <param name="isChained">Each step waits for the one before it; else for nothing.</param>
    public async Task FillAsync(int teams, int jobs, int steps, bool isChained, CancellationToken cancellation)
    {
        await using var connection = await _source.OpenConnectionAsync(cancellation);
        // Ids as they come from a clock: the newest is the greatest.
        var made = string.Create(CultureInfo.InvariantCulture, $"""
            CREATE TEMPORARY TABLE new_jobs AS
            SELECT 'team_' || n % {teams} AS team, (lpad(to_hex(1767225600000 + n), 12, '0') || '70008' || substr(md5(n::text), 1, 15))::uuid AS job
              FROM generate_series({_jobs}, {_jobs + jobs - 1}) AS n
            """);
        _jobs += jobs;
        foreach (var sql in Fill.Split(';').Prepend(made).Append("DROP TABLE new_jobs"))
        {
            var text = sql.Replace("$steps", steps.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
                .Replace("$chained", isChained ? "true" : "false", StringComparison.Ordinal);
            await using var command = new NpgsqlCommand(text, connection) { CommandTimeout = 0 };
            await command.ExecuteNonQueryAsync(cancellation);
        }
    }

    /// <summary>As autovacuum does after a while.</summary>
    public async Task SettleAsync(CancellationToken cancellation)
    {
        await using var command = _source.CreateCommand("VACUUM (ANALYZE)");
        command.CommandTimeout = 0;
        await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>Takes and ends so many steps, one group after the other; how long that took.</summary>
    /// <param name="teamStepsMax">As the runners' option of that name.</param>
    /// <param name="allStepsMax">As the runners' option of that name.</param>
    public async Task<TimeSpan> WorkAsync(int steps, int teamStepsMax, int allStepsMax, CancellationToken cancellation)
    {
        var began = Stopwatch.GetTimestamp();
        for (var done = 0; done < steps;)
        {
            var claimed = await _store.ClaimAsync(Math.Min(ClaimedAtOnce, steps - done), teamStepsMax, allStepsMax, s_lease, [], cancellation);
            var saved = await _store.SaveAsync([.. claimed.Select(End)], cancellation);
            if (saved.Count == 0 || saved.Contains(false))
            {
                throw new InvalidOperationException($"Of {claimed.Count} steps {saved.Count(isSaved => isSaved)} could be ended, after {done} of {steps}.");
            }

            done += saved.Count;
        }

        return Stopwatch.GetElapsedTime(began);
    }

    public async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        await _source.DisposeAsync();
    }

    private static StepOutcome End(ClaimedStep step)
        => new StepEnded(step.Id, step.Token, s_output, s_output, CallId.New(TimeProvider.System), default, 1, null);
}
