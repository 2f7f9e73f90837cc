using Microsoft.Extensions.DependencyInjection;
using SaasLlm.Core.Credits;
using SaasLlm.Tests.Access;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.Credits;

[Collection(ApiTests.Name)]
public sealed class HoldEndpointTests(ApiFixture api)
{
    [Fact]
    public async Task Says_which_open_jobs_hold_what_the_earliest_deadline_first()
    {
        var team = await api.CreateTeamAsync(10);
        var own = api.First.As(team.Key);
        var (slow, quick, free) = (ApiFixture.Unique("slow"), ApiFixture.Unique("quick"), ApiFixture.Unique("free"));
        (await api.Operator.PostAsync("/api/job-types/create", $$"""{"name":"{{slow}}","price":3,"lifetime_seconds":7200}""")).Is(200);
        (await api.Operator.PostAsync("/api/job-types/create", $$"""{"name":"{{quick}}","price":2,"lifetime_seconds":600}""")).Is(200);
        (await api.Operator.PostAsync("/api/job-types/create", $$"""{"name":"{{free}}","price":0}""")).Is(200);
        var last = await own.OpenJobAsync(slow);
        var first = (await own.PostAsync("/api/jobs/create", $$"""{"job_type":"{{quick}}","external_task_id":"task-1"}""")).Is(200);
        await own.OpenJobAsync(free);
        await own.CompleteJobAsync();

        var holds = (await own.GetAsync($"/api/credits/teams/{team.Id}/holds")).Is(200);
        Assert.Equal((team.Id, 5m, 4m), ((string)holds["team_id"]!, (decimal)holds["credits_held"]!, (decimal)holds["credits_available"]!));
        Assert.Equal([(string)first["job_id"]!, last], Ids(holds));
        var shown = new ApiAnswer(200, holds["items"]![0]!.ToJsonString());
        Assert.Equal(
            $$"""{"job_id":"{{(string)first["job_id"]!}}","job_type":"{{quick}}","external_task_id":"task-1","credits":2,"created_at":{{first["created_at"]!.ToJsonString()}},"expires_at":{{first["deadline_at"]!.ToJsonString()}},"calls_running":0}""",
            shown.Text);
        Assert.Null(holds["items"]![1]!["external_task_id"]);
    }

    [Fact]
    public async Task Counts_the_calls_that_run()
    {
        var team = await api.CreateTeamAsync(10);
        var own = api.First.As(team.Key);
        var job = new SaasLlm.Core.Common.JobId(Guid.Parse(await own.OpenJobAsync()));
        var ledger = api.First.Services.GetRequiredService<ILedger>();
        var calls = new[] { LedgerHarness.Intent(team.Id, job), LedgerHarness.Intent(team.Id, job) };
        foreach (var call in calls)
        {
            Assert.Null((await ledger.StartCallAsync(call, default)).Failure);
        }

        Assert.Equal(2, await RunningAsync());
        // Another attempt of the same call is no other call.
        Assert.Null((await ledger.NextAttemptAsync(
            new(team.Id, job, calls[0].CallId, LedgerHarness.Closed(calls[0].Attempt.AttemptId, "failed"), LedgerHarness.Intent(team.Id, job).Attempt with { Number = 2 }),
            default)).Failure);
        Assert.Equal(2, await RunningAsync());
        Assert.Null((await ledger.EndCallAsync(LedgerHarness.End(calls[1]), default)).Failure);
        Assert.Equal(1, await RunningAsync());

        async Task<int> RunningAsync()
            => (int)(await own.GetAsync($"/api/credits/teams/{team.Id}/holds")).Is(200)["items"]!.AsArray().Single()!["calls_running"]!;
    }

    [Fact]
    public async Task Pages_show_every_hold_once_and_the_totals_of_all()
    {
        var team = await api.CreateTeamAsync(10);
        var own = api.First.As(team.Key);
        List<string> jobs = [];
        for (var n = 0; n < 5; n++)
        {
            jobs.Add(await own.OpenJobAsync());
            await WallClock.NextIdAsync();
        }

        // The same deadline for three of them: the id decides.
        await api.ScalarAsync<long>("""
            WITH same AS (UPDATE jobs SET deadline_at = (SELECT min(deadline_at) FROM jobs WHERE team_id = $1)
                           WHERE team_id = $1 AND job_id IN (SELECT job_id FROM jobs WHERE team_id = $1 ORDER BY job_id LIMIT 3) RETURNING 1)
            SELECT count(*) FROM same
            """, team.Id);
        List<string> seen = [];
        for (string? cursor = ""; cursor is not null;)
        {
            var page = (await own.GetAsync($"/api/credits/teams/{team.Id}/holds?limit=2{cursor}")).Is(200);
            Assert.Equal((5m, 5m), ((decimal)page["credits_held"]!, (decimal)page["credits_available"]!));
            seen.AddRange(Ids(page));
            cursor = (string?)page["next_cursor"] is { } next ? $"&cursor={next}" : null;
        }

        Assert.Equal(jobs, seen);
    }

    [Fact]
    public async Task No_holds_is_an_empty_list_with_the_totals_and_another_team_is_404()
    {
        var team = await api.CreateTeamAsync(10);
        Assert.Equal(
            $$"""{"team_id":"{{team.Id}}","credits_held":0,"credits_available":10,"items":[],"next_cursor":null}""",
            (await api.Operator.GetAsync($"/api/credits/teams/{team.Id}/holds")).Is(200).Text);
        (await api.Operator.GetAsync("/api/credits/teams/nobody/holds")).Is(404, "team.not_found");
        (await api.First.As((await api.CreateTeamAsync()).Key).GetAsync($"/api/credits/teams/{team.Id}/holds")).Is(404, "team.not_found");
        foreach (var (query, field) in new[] { ("cursor=YQ", "cursor"), ("sort=credits", "sort"), ("limit=0", "limit") })
        {
            Assert.Equal([field], (await api.Operator.GetAsync($"/api/credits/teams/{team.Id}/holds?{query}")).Is(422).RefusedFields);
        }
    }

    private static string[] Ids(ApiAnswer page) => [.. page["items"]!.AsArray().Select(item => (string)item!["job_id"]!)];
}
