using SaasLlm.Core.Credits.Reconciliation;
using SaasLlm.Core.Jobs;

namespace SaasLlm.Tests.Credits.Reconciliation;

/// <summary>A private database whose locks are off: every rule of the books is broken by SQL in turn, and the report names it.</summary>
public sealed class UnlockedStores(Infrastructure.AppFixture app) : IAsyncLifetime
{
    private readonly LedgerStores _stores = new(app);

    public string Postgres => _stores.Postgres;

    public string Redis => _stores.Redis;

    public async ValueTask InitializeAsync()
    {
        await _stores.InitializeAsync();
        await using var api = new LedgerHarness(Postgres, Redis);
        await SpoiltBooks.UnlockAsync(api);
    }

    public ValueTask DisposeAsync() => _stores.DisposeAsync();
}

public sealed class ReconciliationReaderTests(UnlockedStores stores) : IClassFixture<UnlockedStores>
{
    /// <summary>What is done to the books, and all that the report then says.</summary>
    public static TheoryData<string, string[]> Spoilt { get; } = new()
    {
        { "UPDATE team_credits SET allocated = allocated + 1 WHERE team_id = '{team}'",
            ["allocated: 15 but 16", "lots_remaining: 14.5 but 13.5"] },
        { "UPDATE team_credits SET used = used + 1 WHERE team_id = '{team}'",
            ["lots_remaining: 12.5 but 13.5", "used: 1.5 but 2.5"] },
        { "UPDATE team_credits SET month_used = 0 WHERE team_id = '{team}'",
            ["month_used: 1.5 but 0"] },
        { "UPDATE team_credits SET last_sequence = 9 WHERE team_id = '{team}'",
            ["last_sequence: 5 but 9"] },
        { "UPDATE team_credits SET held = 0 WHERE team_id = '{team}'",
            ["held: 1 but 0", "lots_reserved: 0 but 1"] },
        { "UPDATE credit_transactions SET credits_before = 15, credits_after = 15.5 WHERE team_id = '{team}' AND sequence = 4",
            ["chain 4: 14 but 15", "chain 5: 15.5 but 14.5"] },
        { "UPDATE credit_transactions SET sequence = 7 WHERE team_id = '{team}' AND sequence = 5",
            ["chain_gap 7: 5 but 7", "last_sequence: 7 but 5"] },
        { "UPDATE credit_transactions SET credits_after = 99 WHERE team_id = '{team}' AND sequence = 5",
            ["transaction_sum 5: 13.5 but 99"] },
        { "UPDATE credit_transactions SET lot_amounts = ARRAY[4] WHERE team_id = '{team}' AND sequence = 2",
            ["lot_granted {B}: 4 but 5", "lot_remaining {B}: 2.5 but 3.5", "transaction_lots 2: 4 but 5"] },
        { "DELETE FROM credit_transactions WHERE team_id = '{team}' AND job_id = '{refunded}' AND kind = 'deduction'",
            ["chain 4: 15 but 14", "chain_gap 4: 3 but 4", "job_burned {refunded} {B}: 0 but 1", "job_deduction {refunded}: 0 but 1",
             "job_deduction_count {refunded}: 1 but 0", "lot_remaining {B}: 4.5 but 3.5", "month_used: 0.5 but 1.5", "used: 0.5 but 1.5"] },
        { """
          INSERT INTO credit_transactions (team_id, sequence, transaction_id, kind, amount, credits_before, credits_after, job_id, lot_ids, lot_amounts)
          VALUES ('{team}', 6, gen_random_uuid(), 'deduction', -1, 13.5, 12.5, '{charged}', ARRAY['{B}'::uuid], ARRAY[-1])
          """,
            ["job_burned {charged} {B}: 2 but 1", "job_deduction {charged}: 2 but 1", "job_deduction_count {charged}: 1 but 2",
             "last_sequence: 6 but 5", "lot_remaining {B}: 2.5 but 3.5", "month_used: 2.5 but 1.5", "used: 2.5 but 1.5"] },
        { "UPDATE credit_lots SET remaining = 9 WHERE lot_id = '{A}'",
            ["lot_remaining {A}: 10 but 9", "lots_remaining: 13.5 but 12.5"] },
        // The sums agree all the same.
        { "UPDATE credit_lots SET remaining = CASE lot_id WHEN '{A}' THEN 9 ELSE 4.5 END WHERE team_id = '{team}'",
            ["lot_remaining {A}: 10 but 9", "lot_remaining {B}: 3.5 but 4.5"] },
        { "UPDATE credit_lots SET granted = 11 WHERE lot_id = '{A}'",
            ["lot_granted {A}: 10 but 11"] },
        { "UPDATE credit_lots SET reserved = CASE lot_id WHEN '{A}' THEN 1 ELSE 0 END WHERE team_id = '{team}'",
            ["lot_reserved {A}: 0 but 1", "lot_reserved {B}: 1 but 0"] },
        { "DELETE FROM credit_lots WHERE lot_id = '{A}'",
            ["lot_granted {A}: 10 but 0", "lot_remaining {A}: 10 but 0", "lots_remaining: 13.5 but 3.5"] },
        { "DELETE FROM jobs WHERE job_id = '{open}'",
            ["held: 0 but 1", "lot_reserved {B}: 0 but 1"] },
        { "UPDATE jobs SET hold_amount = 2 WHERE job_id = '{open}'",
            ["held: 2 but 1", "job_lots {open}: 1 but 2"] },
        { "DELETE FROM jobs WHERE job_id = '{charged}'",
            ["job_burned {charged} {B}: 1 but 0", "job_deduction {charged}: 1 but 0", "job_deduction_count {charged}: 0 but 1"] },
        { "UPDATE jobs SET settled_amount = 2 WHERE job_id = '{charged}'",
            ["job_deduction {charged}: 1 but 2", "job_lots {charged}: 1 but 2"] },
        { "UPDATE jobs SET lot_ids = ARRAY['{A}'::uuid] WHERE job_id = '{charged}'",
            ["job_burned {charged} {A}: 0 but 1", "job_burned {charged} {B}: 1 but 0"] },
        { "UPDATE jobs SET refunded_amount = 0 WHERE job_id = '{refunded}'",
            ["job_refund {refunded}: 0.5 but 0"] },
    };

    [Theory]
    [MemberData(nameof(Spoilt))]
    public async Task What_was_spoilt_is_named_and_nothing_else(string sql, string[] report)
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var books = await SpoiltBooks.CreateAsync(api);
        Assert.Empty(await CheckAsync(api, books.Team));

        await books.SpoilAsync(sql);

        Assert.Equal(report, (await CheckAsync(api, books.Team)).Select(books.Describe).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_kind_of_difference_is_tried()
        => Assert.Equal(
            DifferenceKind.InPostgres.Order(StringComparer.Ordinal),
            Spoilt.SelectMany(row => row.Data.Item2).Select(line => line.Split(' ', ':')[0]).Distinct().Order(StringComparer.Ordinal));

    // Each check sees one moment: what is committed while it runs is no difference.
    [Fact]
    public async Task A_ledger_that_is_busy_has_no_differences()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        string[] teams = [await api.CreateTeamAsync(1000), await api.CreateTeamAsync(1000)];
        var busy = Task.WhenAll(Enumerable.Range(0, 8).Select(async caller =>
        {
            for (var round = 0; round < 60; round++)
            {
                var team = teams[(caller + round) % 2];
                await api.CloseAsync(team, await api.OpenedAsync(team), round % 3 == 0 ? JobStatus.Failed : JobStatus.Completed);
            }
        }));

        var checks = 0;
        do
        {
            Assert.Empty(await CheckAsync(api, teams));
            checks++;
        }
        while (!busy.IsCompleted);

        await busy;
        Assert.InRange(checks, 2, int.MaxValue);
        Assert.Empty(await CheckAsync(api, teams));
    }

    [Fact]
    public async Task A_check_reports_at_most_what_it_is_told_to()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var books = await SpoiltBooks.CreateAsync(api);
        await books.SpoilAsync("UPDATE credit_transactions SET credits_before = credits_before + 1 WHERE team_id = '{team}'");

        var found = await CheckAsync(api, new ReconciliationOptions { DifferencesMax = 3 }, books.Team);

        Assert.Equal(3, found.Count);
    }

    private static Task<IReadOnlyList<Difference>> CheckAsync(LedgerHarness api, params string[] teams) => CheckAsync(api, new ReconciliationOptions(), teams);

    private static async Task<IReadOnlyList<Difference>> CheckAsync(LedgerHarness api, ReconciliationOptions options, params string[] teams)
    {
        await using var connection = await api.Source.OpenConnectionAsync();
        return await new ReconciliationReader(options).DifferencesAsync(connection, teams, default);
    }
}
