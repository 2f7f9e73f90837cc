using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using SaasLlm.Core.Data;
using SaasLlm.Core.Data.Retention;
using SaasLlm.Core.Jobs;

namespace SaasLlm.Tests.Credits;

/// <summary>What nobody ended, JobRunner ends.</summary>
public sealed class LedgerPassesTests(LedgerStores stores) : IClassFixture<LedgerStores>
{
    [Fact]
    public async Task Jobs_past_their_deadline_expire_and_free_their_holds_once()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var pass = new ExpireJobsPass(api.Source, api.Ledger, NullLogger<ExpireJobsPass>.Instance);
        var team = await api.CreateTeamAsync(5);
        var overdue = await api.OpenedAsync(team);
        var open = await api.OpenedAsync(team);
        await api.StartAsync(team, overdue);
        await api.ExecuteAsync($"UPDATE jobs SET deadline_at = now() - interval '1 millisecond' WHERE job_id = '{overdue}'");

        await Task.WhenAll(pass.RunAsync(default), pass.RunAsync(default));

        Assert.Equal((5m, 0m, 1m), await api.AccountAsync(team));
        Assert.Equal("expired", await api.ScalarAsync<string>($"SELECT status FROM jobs WHERE job_id = '{overdue}'"));
        Assert.Equal("pending", await api.ScalarAsync<string>($"SELECT status FROM jobs WHERE job_id = '{open}'"));
        Assert.Equal(1L, await api.ScalarAsync<long>($"SELECT count(*) FROM outbox WHERE team_id = '{team}' AND topic = 'job.expired'"));
        Assert.Equal("expired", (await api.CloseAsync(team, overdue, JobStatus.Expired)).Value.CreditReason);
        Assert.Empty(await api.MismatchesAsync());
    }

    [Fact]
    public async Task An_abandoned_attempt_is_marked_unknown_and_its_cost_is_not_zero()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var pass = new AbandonedAttemptsPass(api.Source, Options.Create(new JobOptions()), NullLogger<AbandonedAttemptsPass>.Instance);
        var team = await api.CreateTeamAsync(5);
        var job = await api.OpenedAsync(team);
        var abandoned = await api.StartAsync(team, job);
        var running = await api.StartAsync(team, job);
        await api.ExecuteAsync($"UPDATE llm_attempts SET deadline_at = now() - interval '31 seconds' WHERE attempt_id = '{abandoned.Attempt.AttemptId}'");

        Assert.False(await pass.RunAsync(default));

        Assert.Equal("unknown/abandoned/t", await StatusAsync(abandoned.Attempt.AttemptId.Value));
        Assert.Equal("running//t", await StatusAsync(running.Attempt.AttemptId.Value));

        Task<string> StatusAsync(Guid attempt) => api.ScalarAsync<string>(
            $"SELECT concat(status, '/', outcome, '/', provider_cost_usd IS NULL) FROM llm_attempts WHERE attempt_id = '{attempt}'");
    }

    [Fact]
    public async Task The_clock_of_money_can_be_shifted_for_a_database()
    {
        await using var api = new LedgerHarness(stores.Postgres + ";Options=-c saasllm.clock_shift=2h", stores.Redis);
        await using var present = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await present.CreateTeamAsync(5);
        var job = await present.OpenedAsync(team);

        await using var source = Npgsql.NpgsqlDataSource.Create(stores.Postgres + ";Options=-c saasllm.clock_shift=2h");
        await new ExpireJobsPass(source, present.Ledger, NullLogger<ExpireJobsPass>.Instance).RunAsync(default);
        Assert.Equal("pending", await api.ScalarAsync<string>($"SELECT status FROM jobs WHERE job_id = '{job}'"));

        Assert.Equal("job.expired", (await api.CloseAsync(team, job)).Failure?.Code);
        await new PartitionsPass(api.Source, Options.Create(new RetentionOptions()), NullLogger<PartitionsPass>.Instance).RunAsync(default);
    }
}
