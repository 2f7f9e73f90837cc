using System.Globalization;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Credits.Reconciliation;
using SaasLlm.Core.Jobs;

namespace SaasLlm.Tests.Credits.Reconciliation;

/// <summary>
/// A team whose books a test spoils by SQL. It was granted 10 (lot A) and 5 (lot B, which burns first); a job was charged 1 and
/// refunded half, another charged 1, one is open, one cancelled. Remaining 13.5, held 1; A has 10, B 3.5.
/// </summary>
internal sealed class SpoiltBooks
{
    private readonly LedgerHarness _api;
    private readonly Dictionary<string, string> _names;

    private SpoiltBooks(LedgerHarness api, string team, Dictionary<string, string> names) => (_api, Team, _names) = (api, team, names);

    public string Team { get; }

    public static async Task<SpoiltBooks> CreateAsync(LedgerHarness api)
    {
        var team = await api.CreateTeamAsync(10);
        var grant = await api.Ledger.AddCreditsAsync(
            new(TransactionId.New(TimeProvider.System), team, 5, "test", new(LotSource.Promotion, Priority: 0)), default);
        var (refunded, charged, open, cancelled) = (
            await api.OpenedAsync(team), await api.OpenedAsync(team), await api.OpenedAsync(team), await api.OpenedAsync(team));
        await api.CloseAsync(team, refunded);
        await api.Ledger.RefundJobAsync(new(TransactionId.New(TimeProvider.System), team, refunded, 0.5m, "test"), default);
        await api.CloseAsync(team, charged);
        await api.CloseAsync(team, cancelled, JobStatus.Cancelled);
        var first = await api.ScalarAsync<Guid>($"SELECT lot_id FROM credit_lots WHERE team_id = '{team}' AND granted = 10");
        return new(api, team, new()
        {
            ["{A}"] = first.ToString(),
            ["{B}"] = grant.Value.TransactionId.ToString(),
            ["{refunded}"] = refunded.ToString(),
            ["{charged}"] = charged.ToString(),
            ["{open}"] = open.ToString(),
            ["{team}"] = team,
        });
    }

    /// <summary>Takes from a private database whatever refuses to be spoilt.</summary>
    public static Task UnlockAsync(LedgerHarness api) => api.ExecuteAsync("""
        DO $$
        DECLARE rule record;
        BEGIN
          FOR rule IN SELECT conrelid::regclass AS owner, conname FROM pg_constraint
                       WHERE contype = 'c' AND conrelid IN ('team_credits'::regclass, 'credit_lots'::regclass, 'credit_transactions'::regclass, 'jobs'::regclass) LOOP
            EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', rule.owner, rule.conname);
          END LOOP;
        END $$;
        DROP INDEX ux_credit_transactions_one_deduction_per_job;
        ALTER TABLE credit_transactions DISABLE TRIGGER USER;
        """);

    /// <param name="sql">May name <c>{team}</c>, the lots <c>{A}</c> and <c>{B}</c>, and the jobs <c>{refunded}</c>, <c>{charged}</c> and <c>{open}</c>.</param>
    public Task SpoilAsync(string sql) => _api.ExecuteAsync(Filled(sql));

    /// <summary>A difference as tests write it: <c>lot_remaining {A}: 10 but 9</c>.</summary>
    public string Describe(Difference difference)
    {
        var subject = _names.Aggregate(difference.Subject, (text, name) => text.Replace(name.Value, name.Key, StringComparison.Ordinal));
        return $"{difference.Kind}{(subject.Length > 0 ? " " + subject : "")}: {Text(difference.Expected)} but {Text(difference.Found)}";
    }

    private string Filled(string sql) => _names.Aggregate(sql, (text, name) => text.Replace(name.Key, name.Value, StringComparison.Ordinal));

    private static string Text(decimal credits) => Money.Trim(credits).ToString(CultureInfo.InvariantCulture);
}
