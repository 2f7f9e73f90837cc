using Microsoft.Extensions.Logging;
using Npgsql;
using SaasLlm.Core.Background;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Failpoints;

namespace SaasLlm.Core.Jobs;

/// <summary>Ends jobs past their deadline, so that their holds come free whatever became of the application.</summary>
public sealed partial class ExpireJobsPass(NpgsqlDataSource source, ILedger ledger, ILogger<ExpireJobsPass> logger) : IBackgroundPass
{
    private const int BatchSizeMax = 200;

    /// <summary>
    /// Of a job that runs itself, with what one of its steps waited for: nobody else knows why it took so long. The clock stands in a sub-select so
    /// that it is read once, and the index can be asked for it. $1 at most.
    /// </summary>
    internal const string Overdue = """
        SELECT j.team_id, j.job_id, s.name, s.error_code, s.error_message
          FROM (SELECT team_id, job_id, runs_itself, deadline_at FROM jobs
                 WHERE hold_state = 'held' AND deadline_at <= (SELECT ledger_now()) ORDER BY deadline_at LIMIT $1) j
          LEFT JOIN LATERAL (
            SELECT name, error_code, error_message FROM background_steps
             WHERE j.runs_itself AND team_id = j.team_id AND job_id = j.job_id AND status IN ('scheduled', 'ready', 'running', 'cancelled')
               AND error_code IS NOT NULL
             ORDER BY ordinal LIMIT 1) s ON true
        """;

    public TimeSpan Interval => TimeSpan.FromSeconds(1);

    /// <inheritdoc/>
    public async Task<bool> RunAsync(CancellationToken cancellation)
    {
        var overdue = await ReadAsync(cancellation);
        if (overdue.Count > 0)
        {
            Failpoint.Hit(FailpointName.ExpiryRead);
        }

        // The ledger decides under the row's lock; another runner, or the job's own end, may have been faster.
        var ends = await Task.WhenAll(overdue.Select(
            job => ledger.CloseJobAsync(new(job.Team, job.Job, JobStatus.Expired, job.Reason, null), cancellation)));
        if (ends.FirstOrDefault(end => end.Failure is { Kind: FailureKind.Unavailable }).Failure is { } failure)
        {
            LogStoreFailed(failure.Code);
            return false;
        }

        if (overdue.Count > 0)
        {
            Failpoint.Hit(FailpointName.ExpiryClosed);
            LogExpired(ends.Count(end => end.Failure is null));
        }

        return overdue.Count == BatchSizeMax;
    }

    private async Task<List<(string Team, JobId Job, string? Reason)>> ReadAsync(CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(Overdue);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = BatchSizeMax });
        await using var rows = await command.ExecuteReaderAsync(cancellation);
        List<(string, JobId, string?)> overdue = [];
        while (await rows.ReadAsync(cancellation))
        {
            var reason = await rows.IsDBNullAsync(3, cancellation) ? null
                : $"The deadline passed, and step '{rows.GetString(2)}' had not succeeded: {rows.GetString(3)}: {rows.GetString(4)}";
            overdue.Add((rows.GetString(0), new(rows.GetGuid(1)), reason));
        }

        return overdue;
    }

    [LoggerMessage(4101, LogLevel.Information, "Expired {Count} jobs past their deadline")]
    private partial void LogExpired(int count);

    [LoggerMessage(4102, LogLevel.Warning, "Jobs past their deadline wait: {Code}")]
    private partial void LogStoreFailed(string code);
}
