using Npgsql;
using SaasLlm.Core.Jobs;
using SaasLlm.Core.Jobs.Background;
using SaasLlm.Tests.Credits;

namespace SaasLlm.Tests.Jobs.Background;

/// <summary>The plans of the statements that run with every step, on tables that are empty: no index is left out when they have grown.</summary>
public sealed class BackgroundPlanTests(LedgerStores stores) : IClassFixture<LedgerStores>
{
    private const string Job = "00000000-0000-7000-8000-000000000001";
    private const string Token = "00000000-0000-7000-8000-000000000002";

    private const string Keys = "text[], uuid[], int[]";

    public static TheoryData<string, string, string> Statements => new()
    {
        { nameof(StepSql), nameof(StepSql.Claim), "int, int, int, interval, uuid, text[], int[]" },
        { nameof(StepSql), nameof(StepSql.Requests), "text[], uuid[], int[]" },
        { nameof(StepSql), nameof(StepSql.Templates), "text[], uuid[]" },
        { nameof(StepSql), nameof(StepSql.Callers), "text[], uuid[]" },
        { nameof(StepSql), nameof(StepSql.End), $"{Keys}, uuid[], text[], bytea[], bytea[], uuid[], bigint[], int[], text[], text[]" },
        { nameof(StepSql), nameof(StepSql.SkipRest), "text[], uuid[]" },
        { nameof(StepSql), nameof(StepSql.SkipDependents), Keys },
        { nameof(StepSql), nameof(StepSql.Finish), "text[], uuid[]" },
        { nameof(StepSql), nameof(StepSql.TellProgress), "text[], uuid[], uuid[]" },
        { nameof(StepSql), nameof(StepSql.PutBack), $"{Keys}, uuid[], interval[], bool[], text[], text[]" },
        { nameof(StepSql), nameof(StepSql.Renew), $"{Keys}, uuid[], interval" },
        { nameof(StepSql), nameof(StepSql.Due), "int" },
        { nameof(StepSql), nameof(StepSql.MakeReady), Keys },
        { nameof(StepSql), nameof(StepSql.Overdue), "int" },
        { nameof(StepSql), nameof(StepSql.CountReady), "" },
        { nameof(StepSql), nameof(StepSql.TakeBack), $"{Keys}, uuid[]" },
        { nameof(StepSql), nameof(StepSql.Outputs), "text, uuid, text[]" },
        { nameof(PlanSql), nameof(PlanSql.LockTeams), "text[]" },
        { nameof(PlanSql), nameof(PlanSql.Activate), "text, uuid" },
        { nameof(PlanSql), nameof(PlanSql.Promote), "text[], uuid[]" },
        { nameof(PlanSql), nameof(PlanSql.End), "text[], uuid[]" },
        { nameof(DuePlans), nameof(DuePlans.Take), "int, interval" },
        { nameof(ForgetPlansPass), nameof(ForgetPlansPass.Oldest), "interval" },
        { nameof(ForgetPlansPass), nameof(ForgetPlansPass.ForgetSteps), "text, uuid, int" },
        { nameof(ForgetPlansPass), nameof(ForgetPlansPass.ForgetJob), "text, uuid" },
        { nameof(ExpireJobsPass), nameof(ExpireJobsPass.Overdue), "int" },
        { nameof(DuePlans), nameof(DuePlans.Unbilled), "text, uuid, interval" },
    };

    [Theory]
    [MemberData(nameof(Statements))]
    public async Task On_empty_tables_the_plans_use_the_indexes(string type, string name, string types)
    {
        var sql = (string)(typeof(StepSql).Assembly.GetType($"SaasLlm.Core.Jobs.Background.{type}") ?? typeof(ExpireJobsPass))
            .GetField(name, System.Reflection.BindingFlags.Static | System.Reflection.BindingFlags.Public | System.Reflection.BindingFlags.NonPublic)!.GetRawConstantValue()!;
        await using var database = new BackgroundDatabase(stores.Postgres, Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance);
        await using var connection = await database.Source.OpenConnectionAsync();
        await ExecuteAsync(connection, "SET plan_cache_mode = force_generic_plan");
        await ExecuteAsync(connection, $"PREPARE statement {Listed(types)} AS {sql}");
        try
        {
            Assert.DoesNotContain(await PlanAsync(connection, types), line
                => line.Contains("Seq Scan on background_", StringComparison.Ordinal) || line.Contains("Seq Scan on jobs", StringComparison.Ordinal)
                   || line.Contains("Seq Scan on llm_calls", StringComparison.Ordinal));
        }
        finally
        {
            await ExecuteAsync(connection, "DEALLOCATE statement");
            await ExecuteAsync(connection, "RESET plan_cache_mode");
        }
    }

    // The claim reads what it takes, and not what waits: the same with a thousand waiting steps and with twenty thousand.
    [Fact]
    public async Task A_claim_costs_the_same_however_many_steps_wait()
    {
        await using var database = new BackgroundDatabase(stores.Postgres, Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance);
        var few = await BuffersOfClaimAsync(database, "team_few", 1_000);
        var many = await BuffersOfClaimAsync(database, "team_many", 20_000);

        Assert.InRange(many, 1, few * 2);
    }

    // What runs is added up for the limit of all teams: of those that run something, and not of those that once did.
    [Fact]
    public async Task A_claim_costs_the_same_however_many_teams_rest()
    {
        await using var database = new BackgroundDatabase(stores.Postgres, Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance);
        var few = await BuffersOfClaimAsync(database, "team_few", 100, resting: 10);
        var many = await BuffersOfClaimAsync(database, "team_many", 100, resting: 20_000);

        Assert.InRange(many, 1, few * 2);
    }

    // It read all of a batch's steps for the end of each: 700 pages a step at 3 000.
    [Fact]
    public async Task An_end_costs_the_same_however_many_steps_have_ended()
    {
        await using var database = new BackgroundDatabase(stores.Postgres, Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance);
        var few = await BuffersOfEndAsync(database, "team_few", 1_000);
        var many = await BuffersOfEndAsync(database, "team_many", 20_000);

        Assert.InRange(many, 1, few * 2);
    }

    private static Task<int> BuffersOfClaimAsync(BackgroundDatabase database, string team, int steps, int resting = 0) => BuffersAsync(
        database,
        $"""
        INSERT INTO background_jobs (team_id, job_id, state, total, in_flight, max_parallelism, priority, on_step_failure, run_at, due_at)
        VALUES ('{team}', '{Job}', 'active', {steps}, 8, 8, 5, 'continue', now(), now() + interval '1 day');
        INSERT INTO background_steps (team_id, job_id, ordinal, name, model_group, request, priority, status, max_tries)
        SELECT '{team}', '{Job}', n, n::text, 'G', '\x00', 5, CASE WHEN n < 8 THEN 'ready' ELSE 'waiting' END, 3
          FROM generate_series(0, {steps - 1}) n;
        INSERT INTO background_teams (team_id, ready) VALUES ('{team}', 8);
        INSERT INTO background_teams (team_id) SELECT 'resting_' || n FROM generate_series(1, {resting}) n;
        INSERT INTO background_teams (team_id, running) SELECT 'running_' || n, 1 FROM generate_series(1, 8) n;
        """,
        "(int, int, int, interval, uuid, text[], int[]) AS " + StepSql.Claim,
        $"(1024, 16, 4, '30 s', '{Token}', ARRAY['{team}', 'another'], ARRAY[3, 16])");

    private static Task<int> BuffersOfEndAsync(BackgroundDatabase database, string team, int steps) => BuffersAsync(
        database,
        $"""
        INSERT INTO background_jobs (team_id, job_id, state, total, succeeded, in_flight, max_parallelism, priority, on_step_failure, run_at, due_at, last_sequence)
        VALUES ('{team}', '{Job}', 'active', {steps}, {steps - 8}, 8, 8, 5, 'continue', now(), now() + interval '1 day', {steps - 8});
        INSERT INTO background_steps (team_id, job_id, ordinal, name, model_group, request, priority, status, max_tries, output, ended_sequence, ended_at)
        SELECT '{team}', '{Job}', n, n::text, 'G', '\x00', 5, 'succeeded', 3, '\x00', n + 1, now() FROM generate_series(0, {steps - 9}) n;
        INSERT INTO background_steps (team_id, job_id, ordinal, name, model_group, request, priority, status, max_tries, lease_token, lease_until)
        SELECT '{team}', '{Job}', n, n::text, 'G', '\x00', 5, 'running', 3, '{Token}', now() + interval '30 s' FROM generate_series({steps - 8}, {steps - 1}) n;
        INSERT INTO background_teams (team_id, running) VALUES ('{team}', 8);
        """,
        "(text[], uuid[], int[], uuid[], text[], bytea[], bytea[], uuid[], bigint[], int[], text[], text[]) AS " + StepSql.End,
        $$"""('{"{{team}}"}', '{{{Job}}}', '{{{steps - 3}}}', '{{{Token}}}', '{succeeded}', '{"\\x00"}', '{NULL}', '{{{Job}}}', '{5}', '{5}', '{NULL}', '{NULL}')""");

    // Pages that a statement reads, in a transaction that leaves nothing.
    private static async Task<int> BuffersAsync(BackgroundDatabase database, string setUp, string statement, string values)
    {
        await using var connection = await database.Source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await ExecuteAsync(connection, setUp);
        await ExecuteAsync(connection, "SET LOCAL plan_cache_mode = force_generic_plan");
        await ExecuteAsync(connection, "PREPARE measured " + statement);
        await using var explain = new NpgsqlCommand("EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, SUMMARY OFF) EXECUTE measured " + values, connection);
        string? buffers = null;
        await using (var rows = await explain.ExecuteReaderAsync())
        {
            while (await rows.ReadAsync())
            {
                buffers ??= rows.GetString(0).Contains("Buffers:", StringComparison.Ordinal) ? rows.GetString(0) : null;
            }
        }

        await ExecuteAsync(connection, "DEALLOCATE measured");
        await transaction.RollbackAsync();
        return int.Parse(System.Text.RegularExpressions.Regex.Match(buffers!, @"hit=(\d+)").Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture);
    }

    private static async Task<List<string>> PlanAsync(NpgsqlConnection connection, string types)
    {
        var values = types.Split(", ", StringSplitOptions.RemoveEmptyEntries).Select(type => type switch
        {
            "uuid" => "'00000000-0000-0000-0000-000000000000'",
            "int" => "1",
            "text" => "'x'",
            "interval" => "'1 s'",
            _ => "'{}'",
        });
        await using var explain = new NpgsqlCommand($"EXPLAIN EXECUTE statement {Listed(string.Join(", ", values))}", connection);
        await using var rows = await explain.ExecuteReaderAsync();
        List<string> plan = [];
        while (await rows.ReadAsync())
        {
            plan.Add(rows.GetString(0));
        }

        return plan;
    }

    // No list is empty.
    private static string Listed(string list) => list.Length == 0 ? "" : $"({list})";

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
