namespace SaasLlm.Core.Credits.Reconciliation;

/// <summary>
/// One statement a check, so that each sees one moment: what the ledger commits while it runs is in it whole or not at all.
/// $1 are the teams of a page, $2 the most rows it reports. Laterally throughout: each team is read by its own keys.
/// The rows: team, kind, subject, expected, found.
/// </summary>
internal static class ReconciliationSql
{
    public static IReadOnlyList<string> Checks { get; } =
        [AccountAgainstTransactions, Chain, AccountAgainstLots, LotsAgainstTransactions, Holds, JobsAgainstTransactions, JobsAgainstLots];

    /// <summary>$1 the last team of the page before, $2 the most teams, $3 the most transactions they may have together.</summary>
    public const string Page = """
        SELECT team_id
          FROM (SELECT team_id, sum(last_sequence) OVER place AS entries, row_number() OVER place AS number
                  FROM (SELECT team_id, last_sequence FROM team_credits WHERE team_id > $1 ORDER BY team_id LIMIT $2) teams
                WINDOW place AS (ORDER BY team_id)) counted
         WHERE entries <= $3 OR number = 1
         ORDER BY team_id
        """;

    private const string AccountAgainstTransactions = """
        SELECT c.team_id, d.kind, '', d.expected, d.found
          FROM unnest($1) AS wanted(team_id)
          JOIN team_credits c ON c.team_id = wanted.team_id
         CROSS JOIN LATERAL (
           SELECT coalesce(sum(amount) FILTER (WHERE kind NOT IN ('deduction', 'refund')), 0) AS allocated,
                  coalesce(-sum(amount) FILTER (WHERE kind IN ('deduction', 'refund')), 0) AS used,
                  coalesce(-sum(amount) FILTER (WHERE kind IN ('deduction', 'refund')
                    AND created_at >= c.month_start::timestamp AT TIME ZONE 'utc'
                    AND created_at < (c.month_start + interval '1 month') AT TIME ZONE 'utc'), 0) AS month_used,
                  coalesce(max(sequence), 0) AS last_sequence
             FROM credit_transactions WHERE team_id = c.team_id) x
         CROSS JOIN LATERAL (VALUES
           ('allocated', x.allocated, c.allocated),
           ('used', x.used, c.used),
           ('month_used', x.month_used, c.month_used),
           ('last_sequence', x.last_sequence::numeric, c.last_sequence::numeric)) AS d(kind, expected, found)
         WHERE d.expected <> d.found
         LIMIT $2
        """;

    private const string Chain = """
        SELECT wanted.team_id, d.kind, t.sequence::text, d.expected, d.found
          FROM unnest($1) AS wanted(team_id)
         CROSS JOIN LATERAL (
           SELECT sequence, amount, credits_before, credits_after, lot_amounts,
                  lag(credits_after, 1, 0::numeric) OVER by_sequence AS previous_after,
                  lag(sequence, 1, 0::bigint) OVER by_sequence AS previous_sequence
             FROM credit_transactions WHERE team_id = wanted.team_id
           WINDOW by_sequence AS (ORDER BY sequence)) t
         CROSS JOIN LATERAL (VALUES
           ('chain', t.previous_after, t.credits_before),
           ('chain_gap', t.previous_sequence + 1::numeric, t.sequence::numeric),
           ('transaction_sum', t.credits_before + t.amount, t.credits_after),
           ('transaction_lots', CASE cardinality(t.lot_amounts) WHEN 1 THEN t.lot_amounts[1] ELSE sum_of(t.lot_amounts) END, t.amount)
         ) AS d(kind, expected, found)
         WHERE d.expected <> d.found
         LIMIT $2
        """;

    private const string AccountAgainstLots = """
        SELECT c.team_id, d.kind, '', d.expected, d.found
          FROM unnest($1) AS wanted(team_id)
          JOIN team_credits c ON c.team_id = wanted.team_id
         CROSS JOIN LATERAL (
           SELECT coalesce(sum(remaining), 0) AS remaining, coalesce(sum(reserved), 0) AS reserved
             FROM credit_lots WHERE team_id = c.team_id) l
         CROSS JOIN LATERAL (VALUES
           ('lots_remaining', c.allocated - c.used, l.remaining),
           ('lots_reserved', c.held, l.reserved)) AS d(kind, expected, found)
         WHERE d.expected <> d.found
         LIMIT $2
        """;

    // A lot that is named and not there is one in which nothing remains.
    private const string LotsAgainstTransactions = """
        SELECT wanted.team_id, d.kind, coalesce(l.lot_id::text, ''), d.expected, d.found
          FROM unnest($1) AS wanted(team_id)
         CROSS JOIN LATERAL (
           SELECT lot_id, lot.remaining, lot.granted, x.added, x.granted AS granted_by_transaction
             FROM (SELECT lot_id, remaining, granted FROM credit_lots WHERE team_id = wanted.team_id) lot
             FULL JOIN (
               SELECT share.lot_id, sum(share.credits) AS added, sum(share.credits) FILTER (WHERE t.transaction_id = share.lot_id) AS granted
                 FROM credit_transactions t
                CROSS JOIN LATERAL unnest(t.lot_ids, t.lot_amounts) AS share(lot_id, credits)
                WHERE t.team_id = wanted.team_id
                GROUP BY share.lot_id) x USING (lot_id)) l
         CROSS JOIN LATERAL (VALUES
           ('lot_remaining', coalesce(l.added, 0), coalesce(l.remaining, 0)),
           ('lot_granted', coalesce(l.granted_by_transaction, 0), coalesce(l.granted, 0))) AS d(kind, expected, found)
         WHERE d.expected <> d.found
         LIMIT $2
        """;

    private const string Holds = """
        SELECT c.team_id, 'held', '', x.holds, c.held
          FROM unnest($1) AS wanted(team_id)
          JOIN team_credits c ON c.team_id = wanted.team_id
         CROSS JOIN LATERAL (
           SELECT coalesce(sum(hold_amount), 0) AS holds FROM jobs WHERE team_id = c.team_id AND hold_state = 'held') x
         WHERE x.holds <> c.held
        UNION ALL
        SELECT wanted.team_id, 'lot_reserved', coalesce(l.lot_id::text, ''), l.holds, l.reserved
          FROM unnest($1) AS wanted(team_id)
         CROSS JOIN LATERAL (
           SELECT lot_id, coalesce(lot.reserved, 0) AS reserved, coalesce(x.holds, 0) AS holds
             FROM (SELECT lot_id, reserved FROM credit_lots WHERE team_id = wanted.team_id) lot
             FULL JOIN (
               SELECT share.lot_id, sum(share.credits) AS holds
                 FROM jobs j
                CROSS JOIN LATERAL unnest(j.lot_ids, j.lot_amounts) AS share(lot_id, credits)
                WHERE j.team_id = wanted.team_id AND j.hold_state = 'held'
                GROUP BY share.lot_id) x USING (lot_id)) l
         WHERE l.holds <> l.reserved
         LIMIT $2
        """;

    private const string JobsAgainstTransactions = """
        SELECT wanted.team_id, d.kind, coalesce(j.job_id::text, ''), d.expected, d.found
          FROM unnest($1) AS wanted(team_id)
         CROSS JOIN LATERAL (
           SELECT job_id, coalesce(job.settled_amount, 0) AS settled, coalesce(job.refunded_amount, 0) AS refunded,
                  coalesce(x.deducted, 0) AS deducted, coalesce(x.deductions, 0) AS deductions, coalesce(x.given_back, 0) AS given_back
             FROM (SELECT job_id, settled_amount, refunded_amount FROM jobs
                    WHERE team_id = wanted.team_id AND (settled_amount <> 0 OR refunded_amount <> 0)) job
             FULL JOIN (
               SELECT job_id, -sum(amount) FILTER (WHERE kind = 'deduction') AS deducted, count(*) FILTER (WHERE kind = 'deduction') AS deductions,
                      sum(amount) FILTER (WHERE kind = 'refund') AS given_back
                 FROM credit_transactions
                WHERE team_id = wanted.team_id AND kind IN ('deduction', 'refund')
                GROUP BY job_id) x USING (job_id)) j
         CROSS JOIN LATERAL (VALUES
           ('job_deduction', j.deducted, j.settled),
           ('job_deduction_count', CASE WHEN j.settled > 0 THEN 1::numeric ELSE 0 END, j.deductions::numeric),
           ('job_refund', j.given_back, j.refunded)) AS d(kind, expected, found)
         WHERE d.expected <> d.found
         LIMIT $2
        """;

    private const string JobsAgainstLots = """
        SELECT wanted.team_id, 'job_lots', j.job_id::text, j.named, j.covered
          FROM unnest($1) AS wanted(team_id)
         CROSS JOIN LATERAL (
           SELECT job_id, sum_of(lot_amounts) AS named,
                  CASE hold_state WHEN 'held' THEN hold_amount WHEN 'settled' THEN settled_amount ELSE 0 END AS covered
             FROM jobs WHERE team_id = wanted.team_id) j
         WHERE j.named <> j.covered
        UNION ALL
        SELECT wanted.team_id, 'job_burned', concat(b.job_id, ' ', b.lot_id), b.deducted, b.burned
          FROM unnest($1) AS wanted(team_id)
         CROSS JOIN LATERAL (
           SELECT job_id, lot_id, coalesce(job.credits, 0) AS burned, coalesce(x.credits, 0) AS deducted
             FROM (SELECT j.job_id, share.lot_id, sum(share.credits) AS credits
                     FROM jobs j
                    CROSS JOIN LATERAL unnest(j.lot_ids, j.lot_amounts) AS share(lot_id, credits)
                    WHERE j.team_id = wanted.team_id AND j.hold_state = 'settled'
                    GROUP BY j.job_id, share.lot_id) job
             FULL JOIN (
               SELECT t.job_id, share.lot_id, -sum(share.credits) AS credits
                 FROM credit_transactions t
                CROSS JOIN LATERAL unnest(t.lot_ids, t.lot_amounts) AS share(lot_id, credits)
                WHERE t.team_id = wanted.team_id AND t.kind = 'deduction'
                GROUP BY t.job_id, share.lot_id) x USING (job_id, lot_id)) b
         WHERE b.deducted <> b.burned
         LIMIT $2
        """;
}
