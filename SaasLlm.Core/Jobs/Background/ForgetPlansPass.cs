using Microsoft.Extensions.Options;
using SaasLlm.Core.Background;
using SaasLlm.Core.Credits.Writing;

namespace SaasLlm.Core.Jobs.Background;

/// <summary>Removes the plans of jobs that ended long ago: nobody's prompts and answers are kept for ever.</summary>
internal sealed class ForgetPlansPass(BackgroundDatabase database, IOptions<BackgroundJobOptions> options) : IScheduledPass
{
    // Each may have ten thousand steps.
    private const int BatchSizeMax = 20;

    /// <summary>$1 at most, $2 how long they are kept.</summary>
    internal const string Forget = """
        WITH gone AS (
          SELECT team_id, job_id FROM background_jobs
           WHERE state = 'ended' AND ended_at <= (SELECT ledger_now() - $2) ORDER BY ended_at LIMIT $1 FOR UPDATE SKIP LOCKED),
        steps AS (
          DELETE FROM background_steps s USING gone g WHERE s.team_id = g.team_id AND s.job_id = g.job_id)
        DELETE FROM background_jobs b USING gone g WHERE b.team_id = g.team_id AND b.job_id = g.job_id
        """;

    public TimeSpan Interval => TimeSpan.FromHours(1);

    /// <inheritdoc/>
    public async Task<bool> RunAsync(CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(Forget);
        command.Parameters.Add(Sql.Value(BatchSizeMax));
        command.Parameters.Add(Sql.Value(options.Value.KeepFor));
        return await command.ExecuteNonQueryAsync(cancellation) == BatchSizeMax;
    }
}
