using Npgsql;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Jobs;

namespace SaasLlm.Tests.Credits;

/// <summary>Stores that go away, replies that are lost, neighbours that are poisoned: no one is told what is not so.</summary>
public sealed class LedgerFailureTests(LedgerStores stores) : IClassFixture<LedgerStores>
{
    [Fact]
    public async Task A_poisoned_command_does_not_fail_its_neighbours()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await api.CreateTeamAsync(100);

        // No JSON: the database refuses the whole batch for it.
        var poisoned = api.OpenAsync(team, metadata: "{");
        var neighbours = await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => api.OpenAsync(team)));

        await Assert.ThrowsAsync<PostgresException>(() => poisoned);
        Assert.All(neighbours, neighbour => Assert.Null(neighbour.Failure));
        Assert.Equal((100m, 0m, 30m), await api.AccountAsync(team));
        Assert.Empty(await api.MismatchesAsync());
    }

    [Fact]
    public async Task A_commit_whose_reply_was_lost_is_found_and_answered_as_done()
    {
        await using var plain = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await plain.CreateTeamAsync(5);
        await using var proxy = Proxy();
        await using var api = new LedgerHarness(Through(proxy), stores.Redis);

        proxy.CutReplyTo = "COMMIT";
        var opened = (await api.OpenAsync(team)).Value;

        Assert.Equal(1, proxy.Cuts);
        Assert.Equal(1L, await plain.ScalarAsync<long>($"SELECT count(*) FROM jobs WHERE job_id = '{opened.JobId}'"));
        Assert.Equal((5m, 0m, 1m), await plain.AccountAsync(team));
        Assert.True((await api.CloseAsync(team, opened.JobId)).Value.CreditApplied);
    }

    [Fact]
    public async Task A_commit_that_never_reached_the_server_is_answered_as_not_done()
    {
        await using var plain = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await plain.CreateTeamAsync(5);
        await using var proxy = Proxy();
        await using var api = new LedgerHarness(Through(proxy), stores.Redis);

        proxy.CutBefore = "COMMIT";
        var refused = (await api.OpenAsync(team)).Failure!;

        Assert.Equal(1, proxy.Cuts);
        Assert.Equal((FailureKind.Unavailable, "store.unavailable"), (refused.Kind, refused.Code));
        Assert.Equal((5m, 0m, 0m), await plain.AccountAsync(team));
        Assert.Null((await api.OpenAsync(team)).Failure);
    }

    [Fact]
    public async Task When_the_look_up_fails_too_the_outcome_is_said_to_be_unknown()
    {
        await using var plain = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await plain.CreateTeamAsync(5);
        await using var proxy = Proxy();
        await using var api = new LedgerHarness(Through(proxy), stores.Redis, options => options.LookUpPatience = TimeSpan.FromSeconds(1));
        var job = JobId.New(TimeProvider.System);

        (proxy.CutReplyTo, proxy.GoesAwayWithCut) = ("COMMIT", true);

        Assert.Equal("store.outcome_unknown", (await api.OpenAsync(team, job)).Failure?.Code);
        Assert.Equal(1, proxy.Cuts);
        proxy.ComeBack();
        // The same command again finds what it did.
        Assert.Equal(job, (await api.OpenAsync(team, job)).Value.JobId);
        Assert.Equal((5m, 0m, 1m), await plain.AccountAsync(team));
    }

    [Fact]
    public async Task Without_Postgres_nothing_is_accepted_and_it_works_again_when_it_is_back()
    {
        await using var plain = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await plain.CreateTeamAsync(5);
        await using var proxy = Proxy();
        await using var api = new LedgerHarness(Through(proxy), stores.Redis);
        var job = await api.OpenedAsync(team);

        proxy.GoAway();
        var open = (await api.OpenAsync(team)).Failure!;
        var close = (await api.CloseAsync(team, job)).Failure!;
        proxy.ComeBack();

        Assert.Equal("store.unavailable", open.Code);
        Assert.NotNull(open.RetryAfter);
        Assert.Equal("store.unavailable", close.Code);
        Assert.True((await api.CloseAsync(team, job)).Value.CreditApplied);
        Assert.Null((await api.OpenAsync(team)).Failure);
        Assert.Equal((5m, 1m, 1m), await plain.AccountAsync(team));
    }

    [Fact]
    public async Task A_backend_that_was_ended_while_idle_is_replaced_unnoticed()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await api.CreateTeamAsync(5);
        await api.OpenedAsync(team);
        await api.ExecuteAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'saasllm-ledger' AND datname = current_database()");

        Assert.Null((await api.OpenAsync(team)).Failure);

        Assert.Equal((5m, 0m, 2m), await api.AccountAsync(team));
    }

    [Fact]
    public async Task A_row_that_is_locked_for_long_fails_its_own_commands_only()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis, options => options.LockTimeout = TimeSpan.FromMilliseconds(200));
        var (locked, free) = (await api.CreateTeamAsync(5), await api.CreateTeamAsync(5));
        await using var other = await api.Source.OpenConnectionAsync();
        await using var transaction = await other.BeginTransactionAsync();
        await using var command = new NpgsqlCommand($"SELECT 1 FROM team_credits WHERE team_id = '{locked}' FOR UPDATE", other, transaction);
        await command.ExecuteScalarAsync();

        var results = await Task.WhenAll(api.OpenAsync(locked), api.OpenAsync(free), api.OpenAsync(free));

        Assert.Equal("store.unavailable", results[0].Failure?.Code);
        Assert.Null(results[1].Failure);
        Assert.Null(results[2].Failure);
    }

    [Fact]
    public async Task A_caller_that_left_before_its_command_was_taken_changed_nothing()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await api.CreateTeamAsync(5);
        using var left = new CancellationTokenSource();
        await left.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => api.Ledger.OpenJobAsync(
            new(JobId.New(TimeProvider.System), team, "test", null, null, "{}", TimeSpan.FromHours(1), 100), left.Token));

        Assert.Equal((5m, 0m, 0m), await api.AccountAsync(team));
    }

    [Fact]
    public async Task The_database_itself_refuses_the_impossible()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await api.CreateTeamAsync(5);
        var job = await api.OpenedAsync(team);
        Assert.Null((await api.CloseAsync(team, job, JobStatus.Completed)).Failure);

        await RefusedAsync("ck_team_credits_not_overdrawn", $"UPDATE team_credits SET held = 5 WHERE team_id = '{team}'");
        await RefusedAsync("ck_team_credits_held_not_negative", $"UPDATE team_credits SET held = -1 WHERE team_id = '{team}'");
        await RefusedAsync("ux_credit_transactions_one_deduction_per_job", $"""
            INSERT INTO credit_transactions (team_id, sequence, transaction_id, kind, amount, credits_before, credits_after, job_id, lot_ids, lot_amounts)
            VALUES ('{team}', 3, '{Guid.NewGuid()}', 'deduction', -1, 4, 3, '{job}', ARRAY['{Guid.NewGuid()}'::uuid], ARRAY[-1])
            """);
        await RefusedAsync("ck_credit_transactions_chain", $"""
            INSERT INTO credit_transactions (team_id, sequence, transaction_id, kind, amount, credits_before, credits_after, lot_ids, lot_amounts)
            VALUES ('{team}', 3, '{Guid.NewGuid()}', 'topup', 1, 4, 6, ARRAY['{Guid.NewGuid()}'::uuid], ARRAY[1])
            """);
        await RefusedAsync("ck_credit_transactions_lots", $"""
            INSERT INTO credit_transactions (team_id, sequence, transaction_id, kind, amount, credits_before, credits_after, lot_ids, lot_amounts)
            VALUES ('{team}', 3, '{Guid.NewGuid()}', 'topup', 2, 4, 6, ARRAY['{Guid.NewGuid()}'::uuid, '{Guid.NewGuid()}'::uuid], ARRAY[1, 2])
            """);
        await RefusedAsync("ck_credit_lots_amounts", $"UPDATE credit_lots SET reserved = 5 WHERE team_id = '{team}'");
        await RefusedAsync("ck_credit_lots_amounts", $"UPDATE credit_lots SET remaining = 6 WHERE team_id = '{team}'");
        await RefusedAsync("ck_jobs_refunded_within_settled", $"UPDATE jobs SET refunded_amount = 2 WHERE job_id = '{job}'");
        await RefusedAsync("ck_jobs_lots", $"UPDATE jobs SET lot_amounts = ARRAY[2] WHERE job_id = '{job}'");
        await RefusedAsync("ck_jobs_only_settled_holds_charge", $"UPDATE jobs SET hold_state = 'released', lot_ids = '{{}}', lot_amounts = '{{}}' WHERE job_id = '{job}'");
        foreach (var change in new[] { "UPDATE credit_transactions SET amount = amount", "DELETE FROM credit_transactions", "TRUNCATE credit_transactions" })
        {
            var refused = await Assert.ThrowsAsync<PostgresException>(() => api.ExecuteAsync(change));
            Assert.Equal("credit_transactions is append-only", refused.MessageText);
        }

        async Task RefusedAsync(string constraint, string sql)
            => Assert.Equal(constraint, (await Assert.ThrowsAsync<PostgresException>(() => api.ExecuteAsync(sql))).ConstraintName);
    }

    private TcpProxy Proxy()
    {
        var server = new NpgsqlConnectionStringBuilder(stores.Postgres);
        return new(server.Host!, server.Port);
    }

    private string Through(TcpProxy proxy)
        => new NpgsqlConnectionStringBuilder(stores.Postgres) { Host = "127.0.0.1", Port = proxy.Port }.ConnectionString;
}
