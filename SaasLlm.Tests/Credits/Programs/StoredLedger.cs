using System.Globalization;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;

namespace SaasLlm.Tests.Credits.Programs;

/// <summary>The real ledger on its stores, asked command by command; its database's clock stands where the program says.</summary>
internal sealed class StoredLedger(LedgerHarness api, string team)
{
    /// <summary>For replicas.</summary>
    public string Postgres { get; init; } = "";

    public static Task StopClockAsync(LedgerHarness api) => api.ExecuteAsync("""
        CREATE TABLE program_clock AS SELECT now() AS time;
        CREATE OR REPLACE FUNCTION ledger_now() RETURNS timestamptz LANGUAGE sql VOLATILE AS 'SELECT time FROM program_clock';
        """);

    public Task SetClockAsync(DateTimeOffset now)
        => api.ExecuteAsync(string.Create(CultureInfo.InvariantCulture, $"UPDATE program_clock SET time = '{now:O}'"));

    public async Task<string?> SendAsync(object command) => command switch
    {
        AddCredits add => Code(await api.Ledger.AddCreditsAsync(add, default)),
        AdjustCredits adjust => Code(await api.Ledger.AdjustCreditsAsync(adjust, default)),
        OpenJob open => Code(await api.Ledger.OpenJobAsync(open, default)),
        Single single => Code(await api.Ledger.OpenJobWithCallAsync(single.Job, single.Call, default)),
        EndSingle single => Code(await api.Ledger.EndCallAndJobAsync(single.Call, default)),
        StartCall call => Code(await api.Ledger.StartCallAsync(call, default)),
        NextAttempt next => Code(await api.Ledger.NextAttemptAsync(next, default)),
        EndCall end => Code(await api.Ledger.EndCallAsync(end, default)),
        CloseJob close => Code(await api.Ledger.CloseJobAsync(close, default)),
        RefundJob refund => Code(await api.Ledger.RefundJobAsync(refund, default)),
        Expire => Code(await api.Ledger.ExpireLotsAsync(team, default)),
        ConfigureAccount configure => Code(await api.Ledger.ConfigureAccountAsync(configure, default)),
        _ => throw new ArgumentException($"Unknown: {command}"),
    };

    public async Task<string> PictureAsync(JobId? of)
    {
        var lots = await RowsAsync(
            $"SELECT lot_id, remaining, reserved, expires_at FROM credit_lots WHERE team_id = '{team}' AND remaining > 0 ORDER BY lot_id",
            row => Pictures.Lot((Guid)row[0], (decimal)row[1], (decimal)row[2], row[3] is DateTime until ? until : (DateTimeOffset?)null));
        var events = await RowsAsync(
            $"SELECT topic, count(*) FROM outbox WHERE team_id = '{team}' GROUP BY topic ORDER BY topic COLLATE \"C\"", row => ((string)row[0], (int)(long)row[1]));
        var jobs = await RowsAsync($"""
            SELECT status, hold_state, hold_amount, settled_amount, uncollected_credits, refunded_amount, lot_ids, lot_amounts, started_calls,
                   successful_calls, failed_calls, input_tokens + output_tokens, client_cost_usd
              FROM jobs WHERE team_id = '{team}' AND job_id = '{of}'
            """,
            row => Pictures.Job(
                (string)row[0], (string)row[1], (decimal)row[2], (decimal)row[3], (decimal)row[4], (decimal)row[5],
                ((Guid[])row[6]).Zip((decimal[])row[7]), (int)row[8], (int)row[9], (int)row[10], (long)row[11], (decimal)row[12]),
            isWanted: of is not null);
        return (await RowsAsync($"""
            SELECT c.allocated, c.used, c.held, CASE WHEN is_now THEN month_used ELSE 0 END, CASE WHEN is_now THEN month_uncharged_usd ELSE 0 END,
                   coalesce(x.sequence, 0), x.kind, coalesce(x.amount, 0), c.allocated - c.used
              FROM team_credits c
             CROSS JOIN LATERAL (SELECT month_start = date_trunc('month', ledger_now() AT TIME ZONE 'utc')::date AS is_now) m
              LEFT JOIN LATERAL (SELECT * FROM credit_transactions WHERE team_id = c.team_id ORDER BY sequence DESC LIMIT 1) x ON true
             WHERE c.team_id = '{team}'
            """,
            row => Pictures.Of(
                (decimal)row[0], (decimal)row[1], (decimal)row[2], (decimal)row[3], (decimal)row[4], lots, (long)row[5], row[6] as string,
                (decimal)row[7], (decimal)row[8], events, jobs.SingleOrDefault() ?? "none"))).Single();
    }

    private static string? Code<T>(Result<T> result) => result.Failure?.Code;

    private async Task<List<T>> RowsAsync<T>(string sql, Func<object[], T> read, bool isWanted = true)
    {
        List<T> found = [];
        if (isWanted)
        {
            await using var command = api.Source.CreateCommand(sql);
            await using var rows = await command.ExecuteReaderAsync();
            while (await rows.ReadAsync())
            {
                var values = new object[rows.FieldCount];
                rows.GetValues(values);
                found.Add(read(values));
            }
        }

        return found;
    }
}
