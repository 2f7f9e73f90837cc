using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;
using SaasLlm.Core.Background;
using SaasLlm.Core.Failpoints;

namespace SaasLlm.Core.Jobs;

/// <summary>Marks attempts that nobody closed: their process died, what they cost is unknown, and unknown is not zero.</summary>
public sealed partial class AbandonedAttemptsPass(
    NpgsqlDataSource source, IOptions<JobOptions> options, ILogger<AbandonedAttemptsPass> logger) : IBackgroundPass
{
    private const int BatchSizeMax = 500;

    // Whoever sent it may be closing it just now: past its deadline it no longer holds anything up, so there is time.
    // No row lock is waited for: the ledger's writer may hold it.
    private const string Mark = """
        WITH abandoned AS (
          SELECT team_id, attempt_id FROM llm_attempts
           WHERE status = 'running' AND deadline_at <= (SELECT ledger_now() - $2)
           ORDER BY deadline_at LIMIT $1
             FOR UPDATE SKIP LOCKED)
        UPDATE llm_attempts a
           SET status = 'unknown', outcome = 'abandoned', ended_at = ledger_now(),
               usage_source = 'unknown', cost_low_usd = 0, cost_high_usd = a.estimated_cost_usd
          FROM abandoned b
         WHERE a.team_id = b.team_id AND a.attempt_id = b.attempt_id AND a.status = 'running'
        """;

    public TimeSpan Interval => options.Value.AttemptGrace / 3;

    /// <inheritdoc/>
    public async Task<bool> RunAsync(CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(Mark);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = BatchSizeMax });
        command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = options.Value.AttemptGrace });
        var marked = await command.ExecuteNonQueryAsync(cancellation);
        if (marked > 0)
        {
            Failpoint.Hit(FailpointName.AbandonedMarked);
            LogMarked(marked);
        }

        return marked == BatchSizeMax;
    }

    [LoggerMessage(4111, LogLevel.Warning, "{Count} upstream attempts were abandoned; what they cost is unknown")]
    private partial void LogMarked(int count);
}
