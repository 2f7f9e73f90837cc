namespace SaasLlm.Core.Usage;

/// <summary>
/// Usage as the tables themselves tell it, one row a call, an ended job and a ledger entry: what roll-ups are made of and held against, and what
/// the hours are read from that are not closed.
/// </summary>
internal static class UsageFacts
{
    private static readonly string[] s_counts =
    [
        "jobs_completed", "jobs_failed", "jobs_cancelled", "jobs_expired", "calls_succeeded", "calls_failed", "calls_unknown_cost",
        "input_tokens", "cached_input_tokens", "output_tokens", "reasoning_tokens", "latency_ms_sum",
    ];

    private static readonly string[] s_amounts =
        ["client_cost_usd", "provider_cost_usd", "credits_charged", "credits_refunded", "credits_unpriced", "revenue_usd"];

    /// <summary>The columns of what is measured, in the order of the table.</summary>
    public static readonly string Measures = string.Join(", ", [.. s_counts, .. s_amounts]);

    /// <summary>Their sums.</summary>
    public static readonly string Sums = string.Join(", ", [
        .. s_counts.Select(name => $"coalesce(sum({name}), 0)::bigint AS {name}"), .. s_amounts.Select(name => $"coalesce(sum({name}), 0) AS {name}")]);

    /// <summary>The facts that the conditions choose; <c>c</c>, <c>j</c> and <c>x</c> are calls, jobs and ledger entries.</summary>
    public static string Of(string calls, string jobs, string entries) => $"""
        SELECT c.team_id, date_trunc('hour', c.ended_at, 'UTC') AS bucket, c.model_group, coalesce(c.resolved_model, '') AS model,
               coalesce(j.job_type, '') AS job_type, coalesce(j.user_id, '') AS user_id,
               0::bigint AS jobs_completed, 0::bigint AS jobs_failed, 0::bigint AS jobs_cancelled, 0::bigint AS jobs_expired,
               (c.status = 'succeeded')::int::bigint AS calls_succeeded, (c.status <> 'succeeded')::int::bigint AS calls_failed,
               (c.provider_cost_usd IS NULL OR coalesce(c.cost_high_usd > c.cost_low_usd, false))::int::bigint AS calls_unknown_cost,
               c.input_tokens, c.cached_input_tokens, c.output_tokens, c.reasoning_tokens, c.latency_ms::bigint AS latency_ms_sum,
               coalesce(c.client_cost_usd, 0) AS client_cost_usd, coalesce(c.provider_cost_usd, c.cost_low_usd, 0) AS provider_cost_usd,
               0::numeric AS credits_charged, 0::numeric AS credits_refunded, 0::numeric AS credits_unpriced, 0::numeric AS revenue_usd
          FROM llm_calls c LEFT JOIN jobs j ON j.team_id = c.team_id AND j.job_id = c.job_id
         WHERE {calls}
        UNION ALL
        SELECT j.team_id, date_trunc('hour', j.completed_at, 'UTC'), '', '', j.job_type, coalesce(j.user_id, ''),
               (j.status = 'completed')::int, (j.status = 'failed')::int, (j.status = 'cancelled')::int, (j.status = 'expired')::int,
               0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
          FROM jobs j
         WHERE {jobs}
        UNION ALL
        SELECT x.team_id, date_trunc('hour', x.created_at, 'UTC'), '', '', coalesce(j.job_type, ''), coalesce(j.user_id, ''),
               0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
               CASE x.kind WHEN 'deduction' THEN -x.amount ELSE 0 END, CASE x.kind WHEN 'refund' THEN x.amount ELSE 0 END, paid.unpriced, paid.usd
          FROM credit_transactions x
          LEFT JOIN jobs j ON j.team_id = x.team_id AND j.job_id = x.job_id
         CROSS JOIN LATERAL (
           -- Rounded lot by lot: sums of parts stay sums of the whole.
           SELECT coalesce(sum(round(-u.amount * l.cost_basis_usd / l.granted, 10)), 0) AS usd,
                  coalesce(sum(-u.amount) FILTER (WHERE l.cost_basis_usd IS NULL), 0) AS unpriced
             FROM unnest(x.lot_ids, x.lot_amounts) AS u(lot_id, amount)
             LEFT JOIN credit_lots l ON l.team_id = x.team_id AND l.lot_id = u.lot_id) paid
         WHERE x.kind IN ('deduction', 'refund') AND {entries}
        """;
}
