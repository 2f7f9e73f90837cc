using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using SaasLlm.Benchmarks.Driver;
using SaasLlm.Benchmarks.Stack;
using SaasLlm.Core.Data;

namespace SaasLlm.Benchmarks.Scale;

/// <summary>A database of its own on the run's server, with a history of so many jobs, and the ledger on it.</summary>
internal sealed class ScaleDatabase : IDisposable
{
    /// <summary>Credits that each team of the history began with.</summary>
    private const decimal Granted = 100_000_000;

    // One team's share of the history at a time: its jobs, their deductions and calls, and the account as they leave it.
    // Without triggers: foreign keys to rows that are there would take most of the time. The checks of each row stay.
    private const string LoadTeam = """
        SET session_replication_role = replica;
        SET synchronous_commit = off;
        CREATE TEMP TABLE history ON COMMIT DROP AS
        SELECT i AS number,
               lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') AS time_part,
               md5($1 || 'job' || i) AS job_part, md5($1 || 'call' || i) AS call_part, at
          FROM generate_series(1, $2) AS i
         CROSS JOIN LATERAL (SELECT date_trunc('month', now()) + (now() - date_trunc('month', now())) * (i::float8 / ($2 + 1)) AS at) t;

        INSERT INTO jobs (team_id, job_id, organization_id, job_type, status, price, deadline_at, hold_state, hold_amount, settled_amount,
                          lot_ids, lot_amounts, started_calls, successful_calls, input_tokens, output_tokens, credit_applied,
                          credits_remaining, created_at, started_at, completed_at)
        SELECT $1, (time_part || substr(job_part, 1, 20))::uuid, $3, 'bench', 'completed', 1, at + interval '1 hour', 'settled', 1, 1,
               ARRAY[l.lot_id], ARRAY[1], 1, 1, 100, 50, true, l.remaining - number, at, at, at
          FROM history CROSS JOIN (SELECT lot_id, remaining FROM credit_lots WHERE team_id = $1) l;

        INSERT INTO credit_transactions (team_id, sequence, transaction_id, kind, amount, credits_before, credits_after, job_id, reason,
                                         lot_ids, lot_amounts, created_at)
        SELECT $1, 1 + number, (time_part || substr(job_part, 13, 20))::uuid, 'deduction', -1, l.remaining - number + 1, l.remaining - number,
               (time_part || substr(job_part, 1, 20))::uuid, 'job completed', ARRAY[l.lot_id], ARRAY[-1], at
          FROM history CROSS JOIN (SELECT lot_id, remaining FROM credit_lots WHERE team_id = $1) l;

        INSERT INTO llm_calls (team_id, call_id, job_id, model_group, status, resolved_model, attempts, input_tokens, output_tokens,
                               provider_cost_usd, client_cost_usd, latency_ms, started_at, ended_at)
        SELECT $1, (time_part || substr(call_part, 1, 20))::uuid, (time_part || substr(job_part, 1, 20))::uuid, 'bench', 'succeeded', 'gpt-4-turbo',
               1, 100, 50, 0.001, 0.001, 800, at, at
          FROM history;

        UPDATE credit_lots SET remaining = remaining - $2 WHERE team_id = $1;
        UPDATE team_credits SET used = $2, month_used = $2, last_sequence = 1 + $2, version = version + 1 WHERE team_id = $1;
        """;

    private readonly string _postgres;

    private ScaleDatabase(BenchmarkStack stack, string postgres)
    {
        _postgres = postgres;
        Ledger = new LedgerInProcess(stack, $"ConnectionStrings:{CoreDataExtensions.ConnectionName}={postgres}");
    }

    public LedgerInProcess Ledger { get; }

    /// <summary>The teams that have the history.</summary>
    public IReadOnlyList<string> Teams { get; private set; } = [];

    public TimeSpan Loading { get; private set; }

    /// <param name="jobs">How many of each: jobs, deductions, calls.</param>
    public static async Task<ScaleDatabase> CreateAsync(BenchmarkStack stack, string name, int teams, int jobs, CancellationToken cancellation)
    {
        var postgres = new NpgsqlConnectionStringBuilder(stack.Postgres) { Database = $"saasllm_{name}" }.ConnectionString;
        await new SchemaMigrator(TimeProvider.System, NullLogger<SchemaMigrator>.Instance).MigrateAsync(postgres, TimeSpan.FromMinutes(1), cancellation);
        var database = new ScaleDatabase(stack, postgres);
        database.Teams = await database.CreateTeamsAsync(name, teams, Granted, cancellation);
        var began = Stopwatch.GetTimestamp();
        for (var index = 0; index < teams; index++)
        {
            await database.LoadAsync(database.Teams[index], jobs / teams, cancellation);
            if (index % 32 == 31)
            {
                await Console.Error.WriteLineAsync($"{name}: {(index + 1L) * (jobs / teams)} jobs in {Stopwatch.GetElapsedTime(began).TotalSeconds:F0} s");
            }
        }

        await using var source = NpgsqlDataSource.Create(postgres);
        await using var analyze = source.CreateCommand("VACUUM (ANALYZE)");
        analyze.CommandTimeout = 0;
        await analyze.ExecuteNonQueryAsync(cancellation);
        database.Loading = Stopwatch.GetElapsedTime(began);
        return database;
    }

    /// <summary>Teams with an account that holds so many credits.</summary>
    public async Task<IReadOnlyList<string>> CreateTeamsAsync(string prefix, int count, decimal credits, CancellationToken cancellation)
    {
        await using var source = NpgsqlDataSource.Create(_postgres);
        await using var insert = source.CreateCommand("""
            INSERT INTO organizations (organization_id, name) VALUES ($1, 'Benchmarks') ON CONFLICT DO NOTHING;
            """);
        insert.Parameters.Add(new() { Value = TeamSet.Organization });
        await insert.ExecuteNonQueryAsync(cancellation);
        var ids = Enumerable.Range(0, count).Select(index => string.Create(CultureInfo.InvariantCulture, $"{prefix}_{index}")).ToArray();
        foreach (var sql in new[]
        {
            "INSERT INTO teams (team_id, organization_id, team_alias) SELECT id, $2, id FROM unnest($1) AS id",
            "INSERT INTO team_credits (team_id) SELECT id FROM unnest($1) AS id WHERE $2 <> ''",
        })
        {
            await using var teams = source.CreateCommand(sql);
            teams.Parameters.Add(new() { Value = ids });
            teams.Parameters.Add(new() { Value = TeamSet.Organization });
            await teams.ExecuteNonQueryAsync(cancellation);
        }

        await Task.WhenAll(ids.Select(id => Ledger.GrantAsync(id, credits)));
        return ids;
    }

    public Task<long> MismatchesAsync(CancellationToken cancellation) => Mismatches.CountAsync(_postgres, cancellation);

    public void Dispose() => Ledger.Dispose();

    private async Task LoadAsync(string teamId, int jobs, CancellationToken cancellation)
    {
        await using var connection = new NpgsqlConnection(_postgres);
        await connection.OpenAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        foreach (var sql in LoadTeam.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            // Parameters are not for every statement, and these values are ours.
            var text = sql.Replace("$1", $"'{teamId}'", StringComparison.Ordinal)
                .Replace("$2", jobs.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
                .Replace("$3", $"'{TeamSet.Organization}'", StringComparison.Ordinal);
            await using var command = new NpgsqlCommand(text, connection, transaction) { CommandTimeout = 0 };
            await command.ExecuteNonQueryAsync(cancellation);
        }

        await transaction.CommitAsync(cancellation);
    }
}
