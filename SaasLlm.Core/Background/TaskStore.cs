using Npgsql;
using NpgsqlTypes;
using static SaasLlm.Core.Credits.Writing.Sql;

namespace SaasLlm.Core.Background;

/// <summary>The rows of <c>scheduled_tasks</c>: claimed with a lease, ended with its token as the fence, on Postgres' clock.</summary>
internal sealed class TaskStore(NpgsqlDataSource database)
{
    private const int ErrorMax = 500;

    /// <summary>Tells Postgres which tasks there are. What is known keeps its times.</summary>
    public async Task RegisterAsync(IReadOnlyList<BackgroundTask> tasks, CancellationToken cancellation)
        => await ExecuteAsync("""
            INSERT INTO scheduled_tasks AS t (name, is_schedule, run_every)
            SELECT * FROM unnest($1, $2, $3) AS u(name, is_schedule, run_every) ORDER BY name
            ON CONFLICT (name) DO UPDATE
               SET is_schedule = excluded.is_schedule, run_every = excluded.run_every,
                   -- A tick that a longer interval put far off comes sooner.
                   next_run_at = least(t.next_run_at, now() + excluded.run_every)
             WHERE (t.is_schedule, t.run_every) IS DISTINCT FROM (excluded.is_schedule, excluded.run_every)
            """, cancellation,
            Column(tasks, NpgsqlDbType.Text, task => task.Name),
            Column(tasks, NpgsqlDbType.Boolean, task => task.IsSchedule),
            Column(tasks, NpgsqlDbType.Interval, task => task.Pass.Interval));

    /// <summary>
    /// Claims the schedules that are due or asked for. Neither tick nor request is gone before the run's end: a run whose runner dies stays due,
    /// and asked for.
    /// </summary>
    public async Task<IReadOnlyList<(string Name, bool WasRequested)>> ClaimAsync(
        IReadOnlyList<string> names, Guid lease, TimeSpan duration, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand("""
            WITH due AS (
              SELECT name, requested_at IS NOT NULL AS was_requested FROM scheduled_tasks
               WHERE name = ANY ($1) AND is_schedule
                 AND (next_run_at <= now() OR requested_at IS NOT NULL)
                 AND (lease_until IS NULL OR lease_until <= now())
               ORDER BY name
                 FOR UPDATE SKIP LOCKED)
            UPDATE scheduled_tasks t
               SET lease_token = $2, lease_until = now() + $3, next_run_at = least(next_run_at, now()),
                   -- The clock under the row's lock: a request that this claim sees is not after it, any other one is.
                   last_started_at = clock_timestamp(), last_outcome = 'running'
              FROM due WHERE t.name = due.name
            RETURNING t.name, due.was_requested
            """);
        command.Parameters.AddRange(new[] { Value<string[]>([.. names]), Value(lease), Value(duration) });
        await using var rows = await command.ExecuteReaderAsync(cancellation);
        List<(string, bool)> claimed = [];
        while (await rows.ReadAsync(cancellation))
        {
            claimed.Add((rows.GetString(0), rows.GetBoolean(1)));
        }

        return claimed;
    }

    /// <summary>Takes the requests for passes that every runner makes: this one makes them.</summary>
    public async Task<IReadOnlyList<string>> TakeRequestsAsync(IReadOnlyList<string> names, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand("""
            UPDATE scheduled_tasks SET requested_at = NULL
             WHERE name = ANY ($1) AND NOT is_schedule AND requested_at IS NOT NULL
            RETURNING name
            """);
        command.Parameters.Add(Value<string[]>([.. names]));
        await using var rows = await command.ExecuteReaderAsync(cancellation);
        List<string> taken = [];
        while (await rows.ReadAsync(cancellation))
        {
            taken.Add(rows.GetString(0));
        }

        return taken;
    }

    /// <summary>False: another runner has it.</summary>
    public async Task<bool> RenewAsync(string name, Guid lease, TimeSpan duration, CancellationToken cancellation)
        => await ExecuteAsync(
            "UPDATE scheduled_tasks SET lease_until = now() + $3 WHERE name = $1 AND lease_token = $2",
            cancellation, Value(name), Value(lease), Value(duration)) == 1;

    /// <summary>
    /// Ends a run, and sets the next tick: after the interval, or after a failure 1 s, 2 s, 4 s, … later up to the interval, or a minute
    /// where that is longer. False: another runner has it.
    /// </summary>
    public async Task<bool> EndAsync(string name, Guid lease, TimeSpan duration, string? error, CancellationToken cancellation)
        => await ExecuteAsync("""
            UPDATE scheduled_tasks
               SET lease_token = NULL, lease_until = NULL, last_ended_at = now(), last_duration_ms = $3,
                   last_outcome = CASE WHEN $4 IS NULL THEN 'succeeded' ELSE 'failed' END, last_error = $4,
                   runs = runs + 1, failures = failures + ($4 IS NOT NULL)::int,
                   failures_in_row = CASE WHEN $4 IS NULL THEN 0 ELSE failures_in_row + 1 END,
                   requested_at = CASE WHEN requested_at > last_started_at THEN requested_at END,
                   next_run_at = now() + CASE WHEN $4 IS NULL THEN run_every
                     ELSE least(interval '1 second' * power(2, least(failures_in_row, 20)), greatest(run_every, interval '1 minute')) END
             WHERE name = $1 AND lease_token = $2
            """, cancellation, Value(name), Value(lease), Value((long)duration.TotalMilliseconds), Text(error)) == 1;

    /// <summary>Gives a run up that its runner cannot end: it stays due.</summary>
    public Task ReleaseAsync(string name, Guid lease, CancellationToken cancellation)
        => ExecuteAsync(
            "UPDATE scheduled_tasks SET lease_token = NULL, lease_until = NULL, last_outcome = 'interrupted' WHERE name = $1 AND lease_token = $2",
            cancellation, Value(name), Value(lease));

    /// <summary>Writes down what passes of every runner did. Locked in the order of their names, for all runners do this.</summary>
    public Task RecordAsync(IReadOnlyList<PassRecord> records, Func<PassRecord, TimeSpan> age, CancellationToken cancellation)
        => ExecuteAsync("""
            WITH noted AS (
              SELECT t.name, u.* FROM unnest($1, $2, $3, $4, $5, $6) AS u(task, more_runs, more_failures, age, duration_ms, error)
                JOIN scheduled_tasks t ON t.name = u.task AND NOT t.is_schedule
               ORDER BY t.name FOR UPDATE OF t)
            UPDATE scheduled_tasks t
               SET last_ended_at = now() - n.age, last_started_at = now() - n.age - n.duration_ms * interval '1 millisecond',
                   last_duration_ms = n.duration_ms, last_error = n.error,
                   last_outcome = CASE WHEN n.error IS NULL THEN 'succeeded' ELSE 'failed' END,
                   runs = t.runs + n.more_runs, failures = t.failures + n.more_failures,
                   failures_in_row = CASE WHEN n.error IS NULL THEN 0 ELSE t.failures_in_row + n.more_failures::int END
              FROM noted n WHERE t.name = n.name
            """, cancellation,
            Column(records, NpgsqlDbType.Text, record => record.Name),
            Column(records, NpgsqlDbType.Bigint, record => record.Runs),
            Column(records, NpgsqlDbType.Bigint, record => record.Failures),
            Column(records, NpgsqlDbType.Interval, age),
            Column(records, NpgsqlDbType.Bigint, record => (long)record.Duration.TotalMilliseconds),
            Column(records, NpgsqlDbType.Text, record => Cut(record.Error)));

    private static NpgsqlParameter<string?> Text(string? text) => new() { TypedValue = Cut(text), NpgsqlDbType = NpgsqlDbType.Text };

    // Postgres stores no zero character, and whoever reads it wants the beginning.
    private static string? Cut(string? error) => error?.Replace("\0", "", StringComparison.Ordinal) switch
    {
        { Length: > ErrorMax } text => text[..ErrorMax],
        var text => text,
    };

    private async Task<int> ExecuteAsync(string sql, CancellationToken cancellation, params NpgsqlParameter[] values)
    {
        await using var command = database.CreateCommand(sql);
        command.Parameters.AddRange(values);
        return await command.ExecuteNonQueryAsync(cancellation);
    }
}
