using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;

namespace SaasLlm.Tests.Credits;

/// <summary>The events of every job, which only a team raises whose webhooks ask for them.</summary>
public sealed class JobEventTests(LedgerStores stores) : IClassFixture<LedgerStores>
{
    [Fact]
    public async Task A_jobs_opening_and_its_first_call_are_told_once_each()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await api.CreateTeamAsync(10);
        await api.ExecuteAsync($"UPDATE team_credits SET raises_job_events = true WHERE team_id = '{team}'");

        var job = await api.OpenedAsync(team);
        foreach (var start in new[] { LedgerHarness.Intent(team, job), LedgerHarness.Intent(team, job) })
        {
            Assert.Null((await api.Ledger.StartCallAsync(start, default)).Failure);
        }

        Assert.Equal($"job.created {job} job.started {job}", await EventsAsync(api, team));
    }

    [Fact]
    public async Task A_request_that_is_its_own_job_tells_both()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await api.CreateTeamAsync(10);
        await api.ExecuteAsync($"UPDATE team_credits SET raises_job_events = true WHERE team_id = '{team}'");
        var job = JobId.New(TimeProvider.System);

        var opened = await api.Ledger.OpenJobWithCallAsync(
            new OpenJob(job, team, "test", null, null, "{}", TimeSpan.FromHours(1), 100), LedgerHarness.Intent(team, job), default);

        Assert.Null(opened.Failure);
        Assert.Equal($"job.created {job} job.started {job}", await EventsAsync(api, team));
    }

    [Fact]
    public async Task Nobody_asked_nothing_is_told()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await api.CreateTeamAsync(10);

        var job = await api.OpenedAsync(team);
        Assert.Null((await api.Ledger.StartCallAsync(LedgerHarness.Intent(team, job), default)).Failure);

        Assert.Equal("", await EventsAsync(api, team));
    }

    private static Task<string> EventsAsync(LedgerHarness api, string team) => api.ScalarAsync<string>(
        $"SELECT coalesce(string_agg(topic || ' ' || (payload->>'job_id'), ' ' ORDER BY topic), '') FROM outbox WHERE team_id = '{team}'");
}
