using System.Diagnostics;
using System.Text.Json.Nodes;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.EndToEnd;

/// <summary>The product's main path over HTTP, on the whole app: Postgres, Redis, simulator, API, job runner.</summary>
public sealed class MainPathTests(AppFixture fixture)
{
    [Fact]
    public async Task A_completed_job_costs_one_credit_once_however_often_it_is_completed()
    {
        var tenant = await Tenant.CreateAsync(fixture, 10, "gpt-4-turbo");
        var job = await tenant.OpenJobAsync();
        Assert.Equal(1, (decimal)(await tenant.BalanceAsync())["credits_held"]!);
        (await tenant.CallAsync(job)).Is(200);

        var first = (await tenant.CompleteAsync(job)).Is(200);
        var again = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => tenant.CompleteAsync(job)));

        Assert.All(again, answer => Assert.Equal(first.Text, answer.Is(200).Text));
        Assert.True((bool)first["costs"]!["credit_applied"]!);
        var balance = await tenant.BalanceAsync();
        Assert.Equal((9m, 0m, 1m), ((decimal)balance["credits_remaining"]!, (decimal)balance["credits_held"]!, (decimal)balance["credits_used"]!));
        (await tenant.Team.PostAsync($"/api/jobs/{job}/cancel")).Is(409, "job.ended");
        (await tenant.CompleteAsync(job, "failed")).Is(409, "job.ended");
    }

    [Theory]
    [InlineData("failed")]
    [InlineData("cancelled")]
    public async Task A_job_that_does_not_complete_costs_nothing(string status)
    {
        var tenant = await Tenant.CreateAsync(fixture, 3, "gpt-4-turbo");
        var job = await tenant.OpenJobAsync();
        (await tenant.CallAsync(job)).Is(200);

        var ended = status == "failed" ? await tenant.CompleteAsync(job, "failed") : await tenant.Team.PostAsync($"/api/jobs/{job}/cancel");

        Assert.Equal(status, (string)ended.Is(200)["status"]!);
        Assert.False((bool)ended["costs"]!["credit_applied"]!);
        var balance = await tenant.BalanceAsync();
        Assert.Equal((3m, 0m), ((decimal)balance["credits_remaining"]!, (decimal)balance["credits_held"]!));
    }

    [Fact]
    public async Task When_the_primary_fails_the_fallback_answers_and_only_the_operator_sees_it()
    {
        var tenant = await Tenant.CreateAsync(fixture, 10, "mock/500", "gpt-3.5-turbo");
        var job = await tenant.OpenJobAsync();

        var answer = (await tenant.CallAsync(job)).Is(200);

        Assert.Equal(tenant.Group, (string)answer["response"]!["model"]!);
        Assert.Equal(tenant.Group, (string)answer["metadata"]!["model_group"]!);
        var read = (await tenant.Team.GetAsync($"/api/jobs/{job}")).Is(200).Text;
        var completed = (await tenant.CompleteAsync(job)).Is(200).Text;
        Assert.All([answer.Text, read, completed], shown =>
        {
            Assert.DoesNotContain("gpt-", shown, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain("mock/", shown, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain("provider", shown, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain("litellm", shown, StringComparison.OrdinalIgnoreCase);
        });
        (await tenant.Team.GetAsync($"/api/jobs/{job}/costs")).Is(403);
        var costs = (await tenant.Operator.GetAsync($"/api/jobs/{job}/costs")).Is(200);
        Assert.Equal("gpt-3.5-turbo", (string)costs["calls"]![0]!["resolved_model"]!);
        Assert.Equal(
            ["mock/500 failed model_failed 500", "gpt-3.5-turbo succeeded worked 200"],
            (await tenant.AttemptsAsync(job)).Select(a => $"{a!["model"]} {a["status"]} {a["outcome"]} {a["http_status"]}"));
        Assert.True((decimal)costs["provider_cost_usd"]! > 0);
    }

    [Fact]
    public async Task A_job_whose_calls_all_failed_is_not_charged()
    {
        var tenant = await Tenant.CreateAsync(fixture, 2, "mock/500", "mock/503");
        var job = await tenant.OpenJobAsync();

        (await tenant.CallAsync(job)).Is(502, "llm.all_models_failed");

        var ended = (await tenant.CompleteAsync(job)).Is(200);
        Assert.Equal("no_successful_call", (string)ended["costs"]!["credit_reason"]!);
        Assert.Equal(2, (decimal)(await tenant.BalanceAsync())["credits_remaining"]!);
        Assert.Equal(["failed"], ended["calls"]!.AsArray().Select(call => (string)call!["status"]!));
    }

    [Theory]
    [InlineData("mock/429", 429, "llm.rate_limited")]
    [InlineData("mock/context", 400, "context_length_exceeded")]
    [InlineData("mock/content-policy", 400, "content_filter")]
    [InlineData("unpriced/echo", 503, "pricing.unpriced")]
    public async Task What_a_failing_model_means_to_the_caller(string model, int status, string code)
    {
        var tenant = await Tenant.CreateAsync(fixture, 1, model);
        var job = await tenant.OpenJobAsync();

        (await tenant.CallAsync(job)).Is(status, code);
    }

    [Fact]
    public async Task Completing_waits_for_a_running_call_and_then_says_so()
    {
        var (model, hold) = SimulatorControl.NewHold();
        var tenant = await Tenant.CreateAsync(fixture, 1, model);
        var job = await tenant.OpenJobAsync();
        var call = tenant.CallAsync(job);
        await tenant.WaitForRunningCallAsync(job);

        var began = Stopwatch.GetTimestamp();
        (await tenant.CompleteAsync(job)).Is(409, "jobs.call_running");

        Assert.True(Stopwatch.GetElapsedTime(began) >= TimeSpan.FromSeconds(4.9), "it did not wait");
        Assert.False(call.IsCompleted);
        await (await fixture.AppAsync()).ReleaseAsync(hold);
        (await call).Is(200);
        Assert.True((bool)(await tenant.CompleteAsync(job)).Is(200)["costs"]!["credit_applied"]!);
    }

    [Fact]
    public async Task Cancelling_wins_over_a_running_call_whose_cost_is_still_recorded()
    {
        var (model, hold) = SimulatorControl.NewHold();
        var tenant = await Tenant.CreateAsync(fixture, 1, model);
        var job = await tenant.OpenJobAsync();
        var call = tenant.CallAsync(job);
        await tenant.WaitForRunningCallAsync(job);

        (await tenant.Team.PostAsync($"/api/jobs/{job}/cancel")).Is(200);

        Assert.Equal(0, (decimal)(await tenant.BalanceAsync())["credits_held"]!);
        Assert.False(call.IsCompleted);
        await (await fixture.AppAsync()).ReleaseAsync(hold);
        (await call).Is(409, "job.ended");
        Assert.Equal("succeeded", (string)(await tenant.AttemptsAsync(job))[0]!["status"]!);
        Assert.Equal(1, (decimal)(await tenant.BalanceAsync())["credits_remaining"]!);
    }

    [Fact]
    public async Task A_suspended_team_opens_and_calls_nothing_but_ends_its_jobs()
    {
        var tenant = await Tenant.CreateAsync(fixture, 5, "gpt-4-turbo");
        var (open, other) = (await tenant.OpenJobAsync(), await tenant.OpenJobAsync());
        (await tenant.Operator.PutAsync($"/api/teams/{tenant.TeamId}/suspend")).Is(200);

        (await tenant.Team.PostAsync("/api/jobs/create", """{"job_type":"test"}""")).Is(403, "team.suspended");
        (await tenant.CallAsync(open)).Is(403, "team.suspended");
        (await tenant.Team.GetAsync($"/api/jobs/{open}")).Is(200);
        (await tenant.CompleteAsync(open)).Is(200);
        (await tenant.Team.PostAsync($"/api/jobs/{other}/cancel")).Is(200);

        (await tenant.Operator.PutAsync($"/api/teams/{tenant.TeamId}/resume")).Is(200);
        await tenant.OpenJobAsync();
    }

    [Fact]
    public async Task A_withdrawn_group_is_not_there_for_an_open_job()
    {
        var tenant = await Tenant.CreateAsync(fixture, 5, "gpt-4-turbo");
        var job = await tenant.OpenJobAsync();
        (await tenant.Operator.PutAsync($"/api/teams/{tenant.TeamId}/model-groups", "[]")).Is(200);

        (await tenant.CallAsync(job)).Is(404, "model_group.not_found");
    }

    [Fact]
    public async Task Twenty_parallel_jobs_on_a_balance_of_five_are_five_and_the_refusal_explains_itself()
    {
        var tenant = await Tenant.CreateAsync(fixture, 5, "gpt-4-turbo");

        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => tenant.Team.PostAsync("/api/jobs/create", """{"job_type":"race"}""")));

        Assert.Equal(5, answers.Count(answer => answer.Status == 200));
        Assert.Equal(15, answers.Count(answer => answer is { Status: 402, Code: "credits.insufficient" }));
        // A refusal by a fresh balance may know fewer holds.
        var refusal = await RefusedAsync();
        for (var tries = 0; refusal["holds"]!.AsArray().Count < 5 && tries < 600; tries++)
        {
            await Task.Delay(100);
            refusal = await RefusedAsync();
        }

        Assert.Equal((0m, 5m, 1m), ((decimal)refusal["available"]!, (decimal)refusal["held"]!, (decimal)refusal["needed"]!));
        Assert.Equal(5, refusal["holds"]!.AsArray().Count);

        async Task<Access.ApiAnswer> RefusedAsync() => (await tenant.Team.PostAsync("/api/jobs/create", """{"job_type":"race"}""")).Is(402, "credits.insufficient");
    }

    [Fact]
    public async Task A_job_is_found_by_its_task_and_in_lists_and_counted_in_usage()
    {
        var tenant = await Tenant.CreateAsync(fixture, 5, "gpt-4-turbo");
        var task = $"task-{Guid.NewGuid():N}";
        var job = (string)(await tenant.Team.PostAsync("/api/jobs/create", $$"""{"job_type":"parse","external_task_id":"{{task}}","metadata":{"a":1,"b":2} }""")).Is(200)["job_id"]!;
        var failed = await tenant.OpenJobAsync();
        (await tenant.CallAsync(job)).Is(200);
        (await tenant.CompleteAsync(job)).Is(200);
        (await tenant.CompleteAsync(failed, "failed")).Is(200);

        var merged = (await tenant.Team.SendAsync(HttpMethod.Patch, $"/api/jobs/{job}/metadata", """{"a":null,"c":{"d":3}}""")).Is(200);
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse("""{"b":2,"c":{"d":3}}"""), merged["metadata"]));
        Assert.Equal([job], Ids(await tenant.Team.GetAsync($"/api/jobs?external_task_id={task}")));
        Assert.Equal([failed, job], Ids(await tenant.Team.GetAsync($"/api/teams/{tenant.TeamId}/jobs")));
        Assert.Equal([job], Ids(await tenant.Team.GetAsync($"/api/teams/{tenant.TeamId}/jobs?status=completed&job_type=parse")));
        var page = (await tenant.Team.GetAsync($"/api/teams/{tenant.TeamId}/jobs?limit=1")).Is(200);
        Assert.Equal([job], Ids(await tenant.Team.GetAsync($"/api/teams/{tenant.TeamId}/jobs?limit=1&cursor={page["next_cursor"]}")));

        var usage = (await tenant.Team.GetAsync($"/api/teams/{tenant.TeamId}/usage")).Is(200);
        Assert.Equal((2, 1, 1m), ((int)usage["total_jobs"]!, (int)usage["total_calls"]!, (decimal)usage["credits_used"]!));
        Assert.Null(usage["provider_cost_usd"]);
        var whole = (await tenant.Operator.GetAsync($"/api/organizations/{tenant.OrganizationId}/usage")).Is(200);
        Assert.Equal("gpt-4-turbo", (string)whole["models"]![0]!["model"]!);
        Assert.Equal((int)usage["total_tokens"]!, (int)whole["total_tokens"]!);
        (await tenant.Team.GetAsync($"/api/teams/{tenant.TeamId}/usage?period=2026-13")).Is(422);
    }

    [Fact]
    public async Task A_caller_that_leaves_does_not_stop_the_accounting()
    {
        var (model, hold) = SimulatorControl.NewHold();
        var tenant = await Tenant.CreateAsync(fixture, 1, model);
        await tenant.WaitForKeyAsync(fixture);
        var job = await tenant.OpenJobAsync();
        var app = await fixture.AppAsync();
        using var leaving = new HttpRequestMessage(HttpMethod.Post, $"/api/jobs/{job}/llm-call")
        {
            Content = new StringContent($$"""{"model_group":"{{tenant.Group}}","messages":[{"role":"user","content":"x"}]}""", System.Text.Encoding.UTF8, "application/json"),
        };
        using var leave = new CancellationTokenSource();

        var call = app.Operator.SendAsync(leaving, leave.Token);
        await tenant.WaitForRunningCallAsync(job);
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        // The round trip lets the server notice.
        (await tenant.Team.GetAsync($"/api/jobs/{job}")).Is(200);
        await app.ReleaseAsync(hold);

        var ended = (await tenant.CompleteAfterCallsAsync(job)).Is(200);
        Assert.Equal((1, true), ((int)ended["costs"]!["successful_calls"]!, (bool)ended["costs"]!["credit_applied"]!));
    }

    private static IEnumerable<string> Ids(Access.ApiAnswer list) => list.Is(200)["items"]!.AsArray().Select(item => (string)item!["job_id"]!);
}
