using Npgsql;
using SaasLlm.Benchmarks.Crash.Checks;
using SaasLlm.Core.Jobs;
using SaasLlm.Tests.Credits;

namespace SaasLlm.Tests.Crash;

/// <summary>Each check of the crash matrix notices what it is there for: a check that cannot fail proves nothing.</summary>
public sealed class LedgerChecksTests(LedgerStores stores) : IClassFixture<LedgerStores>
{
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(1);

    [Fact]
    public async Task A_ledger_that_is_right_has_no_faults()
    {
        await using var ledger = new LedgerHarness(stores.Postgres, stores.Redis);
        await FillAsync(ledger);

        Assert.Empty(await LedgerChecks.AlwaysAsync(ledger.Source));
        Assert.Empty(await LedgerChecks.QuietAsync(ledger.Source, s_grace));
    }

    [Theory]
    [InlineData("account is not the sum of its transactions", "UPDATE team_credits SET allocated = allocated + 1 WHERE team_id = @team")]
    [InlineData("allocated is not the sum of the grants", "UPDATE team_credits SET allocated = allocated + 1, used = used + 1 WHERE team_id = @team")]
    [InlineData("used is not the sum of the deductions", "UPDATE team_credits SET used = used - 1 WHERE team_id = @team")]
    [InlineData("month's use is not the sum of its deductions", "UPDATE team_credits SET month_used = 0 WHERE team_id = @team")]
    [InlineData("held is not the sum of the open holds", "UPDATE team_credits SET held = held + 1 WHERE team_id = @team")]
    [InlineData("lots are not the account", "UPDATE credit_lots SET remaining = remaining - 1 WHERE team_id = @team")]
    [InlineData("lot is not the sum of its transactions", "UPDATE credit_lots SET remaining = remaining - 1 WHERE team_id = @team")]
    [InlineData("lot's reserve is not the holds on it", "UPDATE credit_lots SET reserved = reserved + 1 WHERE team_id = @team")]
    [InlineData("deduction burned other lots than the job says", "UPDATE jobs SET lot_ids = ARRAY[job_id] WHERE team_id = @team AND status = 'completed'")]
    [InlineData("refunds are not what the job says", "UPDATE jobs SET refunded_amount = 1 WHERE team_id = @team AND status = 'completed'")]
    [InlineData("account is overdrawn", "ALTER TABLE team_credits DROP CONSTRAINT ck_team_credits_not_overdrawn; UPDATE team_credits SET held = 100 WHERE team_id = @team")]
    [InlineData("job is charged more than once", """
        DROP INDEX ux_credit_transactions_one_deduction_per_job;
        INSERT INTO credit_transactions SELECT team_id, sequence + 1, job_id, kind, amount, credits_after, credits_after + amount, job_id, reason, lot_ids, lot_amounts, created_at
          FROM credit_transactions WHERE team_id = @team AND kind = 'deduction'
        """)]
    [InlineData("transaction is not the sum of its lots", """
        ALTER TABLE credit_transactions DROP CONSTRAINT ck_credit_transactions_lots;
        UPDATE credit_transactions SET lot_amounts = ARRAY[7] WHERE team_id = @team AND kind = 'deduction'
        """)]
    [InlineData("chain has a gap", "DELETE FROM credit_transactions WHERE team_id = @team AND sequence = 1")]
    [InlineData("chain does not end where the account says", "UPDATE team_credits SET last_sequence = last_sequence + 1 WHERE team_id = @team")]
    [InlineData("deduction is not what the job says", "DELETE FROM credit_transactions WHERE team_id = @team AND kind = 'deduction'")]
    [InlineData("job that did not complete is charged", "UPDATE credit_transactions SET job_id = (SELECT job_id FROM jobs WHERE team_id = @team AND status = 'cancelled') WHERE team_id = @team AND kind = 'deduction'")]
    [InlineData("deduction without its job", "UPDATE credit_transactions SET job_id = transaction_id WHERE team_id = @team AND kind = 'deduction'")]
    [InlineData("job's end has not exactly its one event", "DELETE FROM outbox WHERE team_id = @team AND topic = 'job.cancelled'")]
    [InlineData("job's end has not exactly its one event", "UPDATE outbox SET dedupe_key = replace(dedupe_key, 'cancelled', 'completed') WHERE team_id = @team AND topic = 'job.cancelled'")]
    [InlineData("grant has not exactly its one event", "DELETE FROM outbox WHERE team_id = @team AND topic = 'credits.added'")]
    [InlineData("job counts other calls than were started", "DELETE FROM llm_attempts WHERE team_id = @team")]
    [InlineData("call succeeded without an attempt that did", "UPDATE llm_attempts SET status = 'failed' WHERE team_id = @team")]
    [InlineData("refill is given more than once for a tick", """
        ALTER TABLE credit_transactions DROP CONSTRAINT ck_credit_transactions_sign, DROP CONSTRAINT IF EXISTS ck_credit_transactions_job;
        UPDATE credit_transactions SET kind = 'refill' WHERE team_id = @team;
        INSERT INTO credit_refills (team_id, is_enabled, period, mode, credits, starts_at, next_refill_at) VALUES (@team, true, 'daily', 'up_to', 5, now(), now())
        """)]
    [InlineData("refill is not given once for each tick", """
        INSERT INTO credit_refills (team_id, is_enabled, period, mode, credits, starts_at, next_refill_at)
        VALUES (@team, true, 'daily', 'amount', 5, now() - interval '1 minute', now() - interval '1 minute')
        """)]
    [InlineData("refill is not given once for each tick", """
        INSERT INTO credit_refills (team_id, is_enabled, period, mode, credits, starts_at, next_refill_at)
        VALUES (@team, true, 'daily', 'amount', 5, now() - interval '1 hour', now() + interval '23 hours')
        """)]
    [InlineData("job is open past its deadline", "UPDATE jobs SET deadline_at = now() - interval '1 second' WHERE team_id = @team AND hold_state = 'held'")]
    [InlineData("attempt runs past its deadline", "UPDATE llm_attempts SET status = 'running', ended_at = NULL, deadline_at = now() - interval '3 seconds' WHERE team_id = @team")]
    public async Task What_is_wrong_is_named(string fault, string sql)
    {
        await using var ledger = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await FillAsync(ledger);
        await using var connection = await ledger.Source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        // As nobody can but the server's owner: past triggers and constraints.
        await ExecuteAsync("SET LOCAL session_replication_role = replica");
        await ExecuteAsync(sql.Replace("@team", $"'{team}'", StringComparison.Ordinal));

        var found = (await LedgerChecks.AlwaysAsync(connection)).Concat(await LedgerChecks.QuietAsync(connection, s_grace));

        Assert.Contains(found, line => line.StartsWith(fault + ": ", StringComparison.Ordinal) && line.Contains(team, StringComparison.Ordinal));

        async Task ExecuteAsync(string statement)
        {
            await using var command = new NpgsqlCommand(statement, connection, transaction);
            await command.ExecuteNonQueryAsync();
        }
    }

    // A job that was charged, with a call; one that was cancelled; one that is open.
    private static async Task<string> FillAsync(LedgerHarness ledger)
    {
        var team = await ledger.CreateTeamAsync(10);
        var charged = await ledger.OpenedAsync(team);
        await ledger.EndAsync(await ledger.StartAsync(team, charged));
        Assert.True((await ledger.CloseAsync(team, charged)).Value.CreditApplied);
        Assert.Null((await ledger.CloseAsync(team, await ledger.OpenedAsync(team), JobStatus.Cancelled)).Failure);
        await ledger.OpenedAsync(team);
        return team;
    }
}
