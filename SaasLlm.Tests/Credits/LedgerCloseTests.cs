using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Jobs;

namespace SaasLlm.Tests.Credits;

/// <summary>A job ends once, is charged its price or nothing, and says the same ever after.</summary>
public sealed class LedgerCloseTests(LedgerStores stores) : IClassFixture<LedgerStores>
{
    [Theory]
    [InlineData(JobStatus.Completed, 1)]
    [InlineData(JobStatus.Failed, 0)]
    [InlineData(JobStatus.Cancelled, 0)]
    public async Task Repeating_an_end_changes_nothing(string status, decimal used)
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await api.CreateTeamAsync(5);
        var job = await api.OpenedAsync(team);

        var first = (await api.CloseAsync(team, job, status)).Value;
        var repeats = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => api.CloseAsync(team, job, status)));

        Assert.Equal(status, first.Status);
        Assert.Equal(used, first.CreditsCharged);
        Assert.Equal(used > 0, first.CreditApplied);
        Assert.Equal(used > 0 ? null : status, first.CreditReason);
        Assert.Equal(5 - used, first.CreditsRemaining);
        Assert.All(repeats, repeat => Assert.Equal(first with { CompletedAt = repeat.Value.CompletedAt }, repeat.Value));
        Assert.Equal((5m, used, 0m), await api.AccountAsync(team));
        Assert.Equal(1L, await api.ScalarAsync<long>($"SELECT count(*) FROM outbox WHERE team_id = '{team}' AND topic = 'job.{status}'"));
        Assert.Empty(await api.MismatchesAsync());
    }

    // Its receiver knows the job by the app's own task, and need not ask why it failed.
    [Fact]
    public async Task The_event_of_an_end_bears_what_the_job_was_opened_with_and_why_it_failed()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await api.CreateTeamAsync(5);
        var opened = await api.Ledger.OpenJobAsync(
            new(JobId.New(TimeProvider.System), team, "resume", "user_7", "task-42", "{}", TimeSpan.FromHours(1), MaxCalls: 1), default);

        Assert.Null((await api.Ledger.CloseJobAsync(new(team, opened.Value.JobId, JobStatus.Failed, "parse: no text", null), default)).Failure);

        Assert.Equal("resume user_7 task-42 failed parse: no text", await api.ScalarAsync<string>($"""
            SELECT concat_ws(' ', payload ->> 'job_type', payload ->> 'user_id', payload ->> 'external_task_id', payload ->> 'status', payload ->> 'error_message')
              FROM outbox WHERE team_id = '{team}' AND topic = 'job.failed'
            """));
    }

    [Fact]
    public async Task Of_a_concurrent_complete_and_cancel_one_wins()
    {
        await using var one = new LedgerHarness(stores.Postgres, stores.Redis);
        await using var two = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await one.CreateTeamAsync(50);
        var charged = 0;
        for (var round = 0; round < 20; round++)
        {
            var job = await one.OpenedAsync(team);

            var ends = await Task.WhenAll(one.CloseAsync(team, job), two.CloseAsync(team, job, JobStatus.Cancelled));

            var winner = Assert.Single(ends, end => end.Failure is null);
            var loser = Assert.Single(ends, end => end.Failure is not null);
            Assert.Equal("job.ended", loser.Failure!.Code);
            Assert.Equal(winner.Value.Status, loser.Failure.Details!["job_status"]);
            charged += winner.Value.CreditApplied ? 1 : 0;
        }

        Assert.Equal((50m, charged, 0m), await one.AccountAsync(team));
        Assert.Empty(await one.MismatchesAsync());
    }

    [Fact]
    public async Task A_free_job_needs_no_balance_and_writes_no_deduction()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await api.CreateTeamAsync(0, price: 0);
        var opened = (await api.OpenAsync(team)).Value;

        var closed = (await api.CloseAsync(team, opened.JobId)).Value;

        Assert.Equal(0m, opened.HeldCredits);
        Assert.False(closed.CreditApplied);
        Assert.Equal("free", closed.CreditReason);
        Assert.Equal(0L, await api.ScalarAsync<long>($"SELECT count(*) FROM credit_transactions WHERE team_id = '{team}'"));
    }

    [Fact]
    public async Task A_completed_job_whose_calls_all_failed_is_not_charged()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await api.CreateTeamAsync(5);
        var job = await api.OpenedAsync(team);
        await api.EndAsync(await api.StartAsync(team, job), error: "llm.all_models_failed");

        var closed = (await api.CloseAsync(team, job)).Value;

        Assert.Equal((false, "no_successful_call", 1, 1), (closed.CreditApplied, closed.CreditReason, closed.TotalCalls, closed.FailedCalls));
        Assert.Equal((5m, 0m, 0m), await api.AccountAsync(team));
    }

    [Fact]
    public async Task A_job_with_a_successful_call_is_charged_once_and_sums_up_its_calls()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await api.CreateTeamAsync(5);
        var job = await api.OpenedAsync(team);
        await api.EndAsync(await api.StartAsync(team, job), error: "llm.all_models_failed");
        await api.EndAsync(await api.StartAsync(team, job));

        var closed = (await api.CloseAsync(team, job)).Value;

        Assert.Equal((2, 1, 1, 30L, 40), (closed.TotalCalls, closed.SuccessfulCalls, closed.FailedCalls, closed.TotalTokens, closed.AvgLatencyMs));
        Assert.Equal(0.0024m, closed.ClientCostUsd);
        Assert.Equal((true, 1m, 4m), (closed.CreditApplied, closed.CreditsCharged, closed.CreditsRemaining));
        Assert.Equal("{ResumeAgent}", await api.ScalarAsync<string>($"SELECT model_groups_used::text FROM jobs WHERE job_id = '{job}'"));
    }

    [Fact]
    public async Task Completing_waits_for_a_call_that_ends_in_time()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await api.CreateTeamAsync(5);
        var job = await api.OpenedAsync(team);
        var call = await api.StartAsync(team, job);

        var closing = api.CloseAsync(team, job);
        await Task.Delay(200);
        Assert.False(closing.IsCompleted);
        await api.EndAsync(call);

        Assert.True((await closing).Value.CreditApplied);
    }

    [Fact]
    public async Task Completing_while_a_call_runs_on_changes_nothing()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis, options => options.CompleteWait = TimeSpan.FromMilliseconds(300));
        var team = await api.CreateTeamAsync(5);
        var job = await api.OpenedAsync(team);
        var call = await api.StartAsync(team, job);
        // The next attempt takes the first one's place: there is no moment without a running one.
        var next = new AttemptIntent(AttemptId.New(TimeProvider.System), 2, "gpt-3.5-turbo", TimeSpan.FromMinutes(1));
        await api.Ledger.NextAttemptAsync(new(team, job, call.CallId, LedgerHarness.Closed(call.Attempt.AttemptId, "failed"), next), default);

        var closed = await api.CloseAsync(team, job);

        Assert.Equal("jobs.call_running", closed.Failure?.Code);
        Assert.Equal((5m, 0m, 1m), await api.AccountAsync(team));
        Assert.Equal("in_progress", await api.ScalarAsync<string>($"SELECT status FROM jobs WHERE job_id = '{job}'"));
    }

    // The call that is ended is not in its own way; another one is, also when the end of the first is said again.
    [Fact]
    public async Task A_call_ends_with_its_job_unless_another_one_runs()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await api.CreateTeamAsync(5);
        var job = await api.OpenedAsync(team);
        var (first, second) = (await api.StartAsync(team, job), await api.StartAsync(team, job));

        Assert.Equal("jobs.call_running", (await api.Ledger.EndCallAndJobAsync(LedgerHarness.End(first), default)).Failure?.Code);
        Assert.Equal("jobs.call_running", (await api.Ledger.EndCallAndJobAsync(LedgerHarness.End(first), default)).Failure?.Code);
        Assert.Equal((5m, 0m, 1m), await api.AccountAsync(team));

        var closed = (await api.Ledger.EndCallAndJobAsync(LedgerHarness.End(second), default)).Value;
        Assert.Equal((2, 2, 0, true), (closed.TotalCalls, closed.SuccessfulCalls, closed.FailedCalls, closed.CreditApplied));
        Assert.Equal((5m, 1m, 0m), await api.AccountAsync(team));
    }

    [Fact]
    public async Task Cancelling_wins_at_once_and_the_running_call_is_recorded_unbilled()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await api.CreateTeamAsync(5);
        var job = await api.OpenedAsync(team);
        var call = await api.StartAsync(team, job);

        var cancelled = (await api.CloseAsync(team, job, JobStatus.Cancelled)).Value;
        var late = await api.EndAsync(call);
        var again = await api.EndAsync(call);

        Assert.Equal((1, 0, 1), (cancelled.TotalCalls, cancelled.SuccessfulCalls, cancelled.FailedCalls));
        Assert.Equal("job.ended", late.Failure?.Code);
        Assert.Null(again.Failure);
        Assert.Equal((5m, 0m, 0m), await api.AccountAsync(team));
        Assert.Equal(0.001m, await api.ScalarAsync<decimal>($"SELECT provider_cost_usd FROM llm_calls WHERE job_id = '{job}'"));
        Assert.Equal("succeeded", await api.ScalarAsync<string>($"SELECT status FROM llm_attempts WHERE job_id = '{job}'"));
        Assert.Equal(cancelled with { CompletedAt = default }, (await api.CloseAsync(team, job, JobStatus.Cancelled)).Value with { CompletedAt = default });
    }

    [Fact]
    public async Task Past_its_deadline_a_job_has_expired_whether_the_sweep_was_there_or_not()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await api.CreateTeamAsync(5);
        var job = (await api.OpenAsync(team, lifetime: TimeSpan.FromMilliseconds(50))).Value.JobId;
        await Task.Delay(100);

        Assert.Equal("job.expired", (await api.Ledger.StartCallAsync(LedgerHarness.Intent(team, job), default)).Failure?.Code);
        Assert.Equal("job.expired", (await api.CloseAsync(team, job)).Failure?.Code);

        Assert.Equal((5m, 0m, 0m), await api.AccountAsync(team));
        Assert.Equal("expired", await api.ScalarAsync<string>($"SELECT hold_state FROM jobs WHERE job_id = '{job}'"));
        Assert.Equal("job.expired", (await api.CloseAsync(team, job)).Failure?.Code);
    }

    [Fact]
    public async Task Calls_beyond_the_jobs_limit_are_refused()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await api.CreateTeamAsync(5);
        var job = (await api.OpenAsync(team, maxCalls: 1)).Value.JobId;
        await api.StartAsync(team, job);

        var refused = (await api.Ledger.StartCallAsync(LedgerHarness.Intent(team, job), default)).Failure!;

        Assert.Equal((FailureKind.LimitReached, "jobs.limit"), (refused.Kind, refused.Code));
    }

    [Fact]
    public async Task A_foreign_team_does_not_find_the_job()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var (team, other) = (await api.CreateTeamAsync(5), await api.CreateTeamAsync(5));
        var job = await api.OpenedAsync(team);

        Assert.Equal("job.not_found", (await api.CloseAsync(other, job)).Failure?.Code);
        Assert.Equal("job.not_found", (await api.Ledger.StartCallAsync(LedgerHarness.Intent(other, job), default)).Failure?.Code);
    }

    [Fact]
    public async Task The_end_merges_metadata_over_the_jobs()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await api.CreateTeamAsync(5);
        var job = (await api.OpenAsync(team, metadata: """{"a": 1, "b": 1}""")).Value.JobId;

        await api.CloseAsync(team, job, metadata: """{"b": 2}""");

        Assert.Equal("""{"a": 1, "b": 2}""", await api.ScalarAsync<string>($"SELECT metadata::text FROM jobs WHERE job_id = '{job}'"));
    }
}
