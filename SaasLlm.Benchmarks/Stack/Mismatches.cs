using Npgsql;

namespace SaasLlm.Benchmarks.Stack;

/// <summary>What must hold in the tables whatever was measured.</summary>
internal static class Mismatches
{
    private const string Sql = """
        SELECT count(*) FROM (
          SELECT 1 FROM team_credits c
            LEFT JOIN (SELECT team_id, sum(amount) AS total, sum(amount) FILTER (WHERE kind <> 'deduction') AS granted
                         FROM credit_transactions GROUP BY team_id) x USING (team_id)
           WHERE c.allocated - c.used <> coalesce(x.total, 0) OR c.allocated <> coalesce(x.granted, 0)
          UNION ALL
          SELECT 1 FROM team_credits c
            LEFT JOIN (SELECT team_id, sum(hold_amount) AS held FROM jobs WHERE hold_state = 'held' GROUP BY team_id) j USING (team_id)
           WHERE c.held <> coalesce(j.held, 0)
          UNION ALL
          SELECT 1 FROM team_credits c
            LEFT JOIN (SELECT team_id, sum(remaining) AS remaining, sum(reserved) AS reserved FROM credit_lots GROUP BY team_id) l USING (team_id)
           WHERE c.allocated - c.used <> coalesce(l.remaining, 0) OR c.held <> coalesce(l.reserved, 0)
          UNION ALL
          SELECT 1 FROM (
            SELECT sequence, credits_before,
                   lag(credits_after, 1, 0::numeric) OVER w AS previous, lag(sequence, 1, 0::bigint) OVER w AS number
              FROM credit_transactions WINDOW w AS (PARTITION BY team_id ORDER BY sequence)) t
           WHERE credits_before <> previous OR sequence <> number + 1
          UNION ALL
          SELECT 1 FROM jobs j
            FULL JOIN (SELECT * FROM credit_transactions WHERE kind = 'deduction') x ON x.team_id = j.team_id AND x.job_id = j.job_id
           WHERE coalesce(-x.amount, 0) <> coalesce(j.settled_amount, 0)) found
        """;

    public static async Task<long> CountAsync(string postgres, CancellationToken cancellation)
    {
        await using var source = NpgsqlDataSource.Create(postgres);
        await using var command = source.CreateCommand(Sql);
        command.CommandTimeout = 600;
        return (long)(await command.ExecuteScalarAsync(cancellation))!;
    }
}
