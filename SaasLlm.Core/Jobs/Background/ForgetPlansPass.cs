using Microsoft.Extensions.Options;
using Npgsql;
using SaasLlm.Core.Background;
using SaasLlm.Core.Credits.Writing;

namespace SaasLlm.Core.Jobs.Background;

/// <summary>
/// Removes the plans of jobs that ended long ago: nobody's prompts and answers are kept for ever. A plan goes whole, in a transaction of its own: a
/// reader finds all of its steps or none, and one that cannot be removed keeps no others back that were.
/// </summary>
internal sealed class ForgetPlansPass(BackgroundDatabase database, IOptions<BackgroundJobOptions> options) : IScheduledPass
{
    private const int BatchSizeMax = 20;

    // A plan may have ten thousand, each with texts of many pages: no statement may come near its time-out.
    private const int StepsMax = 500;

    /// <summary>$1 how long they are kept.</summary>
    internal const string Oldest = """
        SELECT team_id, job_id FROM background_jobs
         WHERE state = 'ended' AND ended_at <= (SELECT ledger_now() - $1) ORDER BY ended_at LIMIT 1 FOR UPDATE SKIP LOCKED
        """;

    /// <summary>$1 team_id, $2 job_id, $3 at most.</summary>
    internal const string ForgetSteps = """
        WITH piece AS (SELECT team_id, job_id, ordinal FROM background_steps WHERE team_id = $1 AND job_id = $2 ORDER BY ordinal LIMIT $3)
        DELETE FROM background_steps s USING piece p WHERE s.team_id = p.team_id AND s.job_id = p.job_id AND s.ordinal = p.ordinal
        """;

    /// <summary>$1 team_id, $2 job_id.</summary>
    internal const string ForgetJob = "DELETE FROM background_jobs WHERE team_id = $1 AND job_id = $2";

    public TimeSpan Interval => TimeSpan.FromHours(1);

    /// <inheritdoc/>
    public async Task<bool> RunAsync(CancellationToken cancellation)
    {
        await using var connection = await database.Source.OpenConnectionAsync(cancellation);
        for (var forgotten = 0; forgotten < BatchSizeMax; forgotten++)
        {
            if (!await ForgetOldestAsync(connection, cancellation))
            {
                return false;
            }
        }

        return true;
    }

    private async Task<bool> ForgetOldestAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        if (await FindOldestAsync(connection, cancellation) is not var (team, job))
        {
            return false;
        }

        while (await ExecuteAsync(connection, ForgetSteps, cancellation, Sql.Value(team), Sql.Value(job), Sql.Value(StepsMax)) == StepsMax)
        {
        }

        await ExecuteAsync(connection, ForgetJob, cancellation, Sql.Value(team), Sql.Value(job));
        await transaction.CommitAsync(cancellation);
        return true;
    }

    private async Task<(string Team, Guid Job)?> FindOldestAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(Oldest, connection);
        command.Parameters.Add(Sql.Value(options.Value.KeepFor));
        await using var rows = await command.ExecuteReaderAsync(cancellation);
        return await rows.ReadAsync(cancellation) ? (rows.GetString(0), rows.GetGuid(1)) : null;
    }

    private static async Task<int> ExecuteAsync(
        NpgsqlConnection connection, string sql, CancellationToken cancellation, params NpgsqlParameter[] parameters)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        command.Parameters.AddRange(parameters);
        return await command.ExecuteNonQueryAsync(cancellation);
    }
}
