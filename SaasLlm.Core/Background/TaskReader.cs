using Npgsql;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits.Writing;

namespace SaasLlm.Core.Background;

/// <summary>The background tasks as operators see them.</summary>
public sealed class TaskReader(NpgsqlDataSource database)
{
    private const string Tasks = """
        SELECT name, is_schedule, run_every, next_run_at, requested_at, last_started_at, last_ended_at, last_duration_ms,
               -- A lease that ran out is a runner that died.
               CASE WHEN last_outcome = 'running' AND (lease_until IS NULL OR lease_until <= now()) THEN 'interrupted' ELSE last_outcome END,
               last_error, runs, failures, failures_in_row
          FROM scheduled_tasks
        """;

    public static readonly Failure NotFound = new(FailureKind.NotFound, "task.not_found", "There is no such task.");

    /// <summary>All of them, by name. There are as many as the job runners' build has.</summary>
    public Task<IReadOnlyList<ScheduledTask>> ListAsync(CancellationToken cancellation) => ReadAsync($"{Tasks} ORDER BY name", [], cancellation);

    /// <summary>404 <c>task.not_found</c>.</summary>
    public async Task<Result<ScheduledTask>> FindAsync(string name, CancellationToken cancellation)
        => await ReadAsync($"{Tasks} WHERE name = $1", [Sql.Value(name)], cancellation) is [var task] ? task : NotFound;

    /// <summary>
    /// Asks for a run now; a runner takes it within about a second. While one is under way, the next begins when that has ended.
    /// 404 <c>task.not_found</c>.
    /// </summary>
    /// <param name="requestId">The request's own id: its repeat asks for nothing.</param>
    public async Task<Result<ScheduledTask>> RequestRunAsync(string name, Guid requestId, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand(
            "UPDATE scheduled_tasks SET requested_at = clock_timestamp(), request_id = $2 WHERE name = $1 AND request_id IS DISTINCT FROM $2");
        command.Parameters.AddRange(new[] { Sql.Value(name), Sql.Value(requestId) });
        await command.ExecuteNonQueryAsync(cancellation);
        return await FindAsync(name, cancellation);
    }

    private async Task<IReadOnlyList<ScheduledTask>> ReadAsync(string sql, NpgsqlParameter[] values, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand(sql);
        command.Parameters.AddRange(values);
        await using var rows = await command.ExecuteReaderAsync(cancellation);
        List<ScheduledTask> tasks = [];
        while (await rows.ReadAsync(cancellation))
        {
            tasks.Add(new()
            {
                Name = rows.GetString(0),
                IsSchedule = rows.GetBoolean(1),
                RunEvery = rows.GetTimeSpan(2),
                NextRunAt = rows.GetFieldValue<DateTimeOffset>(3),
                RequestedAt = rows.IsDBNull(4) ? null : rows.GetFieldValue<DateTimeOffset>(4),
                LastStartedAt = rows.IsDBNull(5) ? null : rows.GetFieldValue<DateTimeOffset>(5),
                LastEndedAt = rows.IsDBNull(6) ? null : rows.GetFieldValue<DateTimeOffset>(6),
                LastDurationMs = rows.IsDBNull(7) ? null : rows.GetInt64(7),
                LastOutcome = rows.IsDBNull(8) ? null : rows.GetString(8),
                LastError = rows.IsDBNull(9) ? null : rows.GetString(9),
                Runs = rows.GetInt64(10),
                Failures = rows.GetInt64(11),
                FailuresInRow = rows.GetInt32(12),
            });
        }

        return tasks;
    }
}
