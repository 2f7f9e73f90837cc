using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Credits.Rules;
using SaasLlm.Core.Jobs;

namespace SaasLlm.Tests.Credits;

/// <summary>The decisions themselves: no store, no clock but the one handed in.</summary>
public sealed class LedgerRulesTests
{
    private static readonly DateTimeOffset s_now = new(2026, 3, 31, 23, 59, 59, TimeSpan.Zero);
    private static readonly JobId s_job = new(Guid.Parse("019a0000-0000-7000-8000-000000000001"));
    private static readonly RowIds s_ids = new(Guid.Parse("019a0000-0000-7000-8000-0000000000aa"), Guid.Parse("019a0000-0000-7000-8000-0000000000bb"));

    [Fact]
    public void Opening_holds_the_price_and_changes_nothing_else()
    {
        var decision = Open(Account(allocated: 10, used: 2, held: 3));

        Assert.Equal(new OpenedJob(s_job, "team", s_now, s_now.AddHours(1), 1), decision.Answer.Value);
        Assert.Equal(Account(allocated: 10, used: 2, held: 4) with { Lots = decision.State.Account!.Lots }, decision.State.Account);
        Assert.Equal([new(new LotId(Guid.Empty), 50, null, s_now.AddDays(-1), 10, 8, 4)], decision.State.Account.Lots);
        Assert.Equal([new(new LotId(Guid.Empty), 1)], decision.State.Job!.Lots);
        Assert.IsType<JobOpened>(Assert.Single(decision.Entries));
    }

    [Theory]
    [InlineData(0.999999, "credits.insufficient")]
    [InlineData(1, null)]
    public void The_last_credit_can_be_held_and_not_a_millionth_less(double allocated, string? code)
        => Assert.Equal(code, Open(Account(allocated: (decimal)allocated)).Answer.Failure?.Code);

    // A repeat of the request comes with a call of its own: what became of the first one nobody told it.
    [Fact]
    public void A_job_with_a_call_gives_the_same_command_its_call_and_another_call_nothing()
    {
        var (job, call) = (new OpenJob(s_job, "team", "test", null, null, "{}", TimeSpan.FromHours(1), 100), LedgerHarness.Intent("team", s_job));
        var opened = SingleCallRules.Open(new(Account(allocated: 10), null), job, call, s_now);
        Assert.Null(opened.Answer.Failure);
        Assert.Equal(1, opened.State.Job!.StartedCalls);

        var same = SingleCallRules.Open(opened.State, job, call, s_now);
        var other = SingleCallRules.Open(opened.State, job, LedgerHarness.Intent("team", s_job), s_now);
        var late = SingleCallRules.Open(opened.State, job, LedgerHarness.Intent("team", s_job), s_now.AddHours(2));

        Assert.Equal((opened.Answer.Value, 0), (same.Answer.Value, same.Entries.Count));
        Assert.Equal(("idempotency.outcome_unknown", 0), (other.Answer.Failure?.Code, other.Entries.Count));
        Assert.Equal(("job.expired", 0), (late.Answer.Failure?.Code, late.Entries.Count));
        Assert.Equal(opened.State, other.State);
    }

    // The month's use begins at zero with the month, whatever the row still says.
    [Theory]
    [InlineData(0, "credits.limit")]
    [InlineData(1, null)]
    public void The_limit_counts_the_month_of_Postgres_clock(int secondsLater, string? code)
    {
        var account = Account(allocated: 100, used: 5) with { CreditLimit = 5, MonthUsed = 5, MonthStart = new(2026, 3, 1) };

        Assert.Equal(code, Open(account, s_now.AddSeconds(secondsLater)).Answer.Failure?.Code);
    }

    [Fact]
    public void The_month_of_the_settlement_is_the_one_that_is_used()
    {
        var april = s_now.AddSeconds(1);
        var account = Account(allocated: 10, held: 1) with { MonthUsed = 4, MonthStart = new(2026, 3, 1) };

        var after = Close(account, Job() with { DeadlineAt = april.AddHours(1) }, JobStatus.Completed, april).State.Account!;

        Assert.Equal((1m, new DateOnly(2026, 4, 1)), (after.MonthUsed, after.MonthStart));
    }

    [Theory]
    [InlineData(JobStatus.Completed, 0, 0, true, null)]
    [InlineData(JobStatus.Completed, 2, 1, true, null)]
    [InlineData(JobStatus.Completed, 2, 0, false, "no_successful_call")]
    [InlineData(JobStatus.Failed, 2, 2, false, "failed")]
    [InlineData(JobStatus.Cancelled, 0, 0, false, "cancelled")]
    public void A_job_is_charged_only_when_it_completes_and_not_when_all_its_calls_failed(
        string status, int started, int successful, bool isCharged, string? reason)
    {
        var account = Account(allocated: 10, used: 2, held: 1);

        var decision = Close(account, Job() with { StartedCalls = started, SuccessfulCalls = successful }, status);

        Assert.Equal((isCharged, reason), (decision.Answer.Value.CreditApplied, decision.Answer.Value.CreditReason));
        Assert.Equal((isCharged ? 3m : 2m, 0m), (decision.State.Account!.Used, decision.State.Account.Held));
        Assert.Equal(status == JobStatus.Completed ? "settled" : "released", decision.State.Job!.HoldState);
        Assert.Equal(isCharged ? 1 : 0, decision.Entries.OfType<TransactionPosted>().Count());
        Assert.Equal($"job.{status}", Assert.Single(decision.Entries.OfType<EventRaised>()).Topic);
        Assert.Equal(started - successful, decision.Answer.Value.FailedCalls);
    }

    [Fact]
    public void A_deduction_continues_the_teams_chain()
    {
        var decision = Close(Account(allocated: 10, used: 2, held: 1) with { LastSequence = 7 }, Job(), JobStatus.Completed);

        var posted = Assert.Single(decision.Entries.OfType<TransactionPosted>()).Transaction;
        Assert.Equal(
            new PostedTransaction(new(s_ids.Transaction), "team", 8, "deduction", -1, 8, 7, s_job, "job completed", posted.Lots, s_now), posted);
        Assert.Equal([new(new LotId(Guid.Empty), -1)], posted.Lots);
    }

    [Fact]
    public void The_event_writes_credits_as_plain_numbers()
    {
        var payload = Assert.Single(Close(Account(allocated: 10.000000m, held: 1), Job(), JobStatus.Completed).Entries.OfType<EventRaised>()).PayloadJson;

        Assert.Contains("\"credits_remaining\":9}", payload, StringComparison.Ordinal);
        Assert.Contains("\"credits_charged\":1,", payload, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(JobStatus.Completed, "jobs.call_running")]
    [InlineData(JobStatus.Failed, null)]
    [InlineData(JobStatus.Cancelled, null)]
    public void A_running_call_holds_up_completing_only(string status, string? code)
    {
        var job = Job() with { StartedCalls = 1, Running = [new(default, default, s_now.AddSeconds(1))] };

        Assert.Equal(code, Close(Account(10, held: 1), job, status).Answer.Failure?.Code);
    }

    [Fact]
    public void Only_its_plan_completes_a_job_that_runs_itself()
    {
        var job = Job() with { RunsItself = true, StartedCalls = 1, SuccessfulCalls = 1 };

        Assert.Equal("background.runs_itself", Close(Account(10, held: 1), job, JobStatus.Completed).Answer.Failure?.Code);
        foreach (var status in new[] { JobStatus.Failed, JobStatus.Cancelled })
        {
            Assert.Equal((status, true), Close(Account(10, held: 1), job, status).Answer is { Value: { } ended } ? (ended.Status, ended.RunsItself) : default);
        }

        var completed = Close(Account(10, held: 1), job with { Status = JobStatus.Completed, CompletedAt = s_now }, JobStatus.Completed);
        Assert.Equal(JobStatus.Completed, completed.Answer.Value.Status);
    }

    [Fact]
    public void Its_plans_calls_alone_start_in_a_job_that_runs_itself()
    {
        var start = LedgerHarness.Intent("team", s_job);
        var state = new LedgerState(null, Job() with { RunsItself = true, MaxCalls = 0 });

        Assert.Equal("background.runs_itself", CallRules.Start(state, start, s_now).Answer.Failure?.Code);
        Assert.Equal(1, CallRules.Start(state, start with { IsPlanned = true }, s_now).State.Job!.StartedCalls);
    }

    [Fact]
    public void A_plan_that_completes_its_job_is_held_up_by_no_call()
    {
        var job = Job() with { RunsItself = true, StartedCalls = 2, SuccessfulCalls = 1, Running = [new(default, default, s_now.AddSeconds(1))] };

        var closed = CloseJobRule.Decide(new(Account(10, held: 1), job), new("team", s_job, JobStatus.Completed, null, null, IsPlanned: true), s_ids, s_now);

        Assert.Equal((1m, 1), (closed.Answer.Value.CreditsCharged, closed.Answer.Value.FailedCalls));
    }

    [Fact]
    public void A_call_past_its_deadline_holds_nothing_up()
    {
        var job = Job() with { StartedCalls = 1, Running = [new(default, default, s_now)] };

        Assert.Equal("no_successful_call", Close(Account(10, held: 1), job, JobStatus.Completed).Answer.Value.CreditReason);
    }

    [Fact]
    public void An_attempts_deadline_never_passes_its_jobs()
    {
        var start = LedgerHarness.Intent("team", s_job, TimeSpan.FromHours(9));

        var decision = CallRules.Start(new(null, Job()), start, s_now);

        Assert.Equal(Job().DeadlineAt, Assert.Single(decision.Entries.OfType<AttemptStarted>()).DeadlineAt);
    }

    [Fact]
    public void The_next_attempt_takes_the_first_ones_place()
    {
        var start = LedgerHarness.Intent("team", s_job);
        var started = CallRules.Start(new(null, Job()), start, s_now).State;
        var next = new AttemptIntent(AttemptId.New(TimeProvider.System), 2, "gpt-3.5-turbo", TimeSpan.FromMinutes(1));

        var decision = CallRules.Next(
            started, new("team", s_job, start.CallId, LedgerHarness.Closed(start.Attempt.AttemptId, "failed"), next), s_now);

        Assert.Equal(next.AttemptId, Assert.Single(decision.State.Job!.Running).AttemptId);
        Assert.Equal([typeof(AttemptClosed), typeof(AttemptStarted)], decision.Entries.Select(entry => entry.GetType()));
        Assert.Equal(1, decision.State.Job.StartedCalls);
    }

    [Fact]
    public void A_call_that_was_never_started_does_not_end()
        => Assert.Equal("call.not_found", CallRules.End(new(null, Job()), LedgerHarness.End(LedgerHarness.Intent("team", s_job)), s_ids, s_now).Answer.Failure?.Code);

    [Fact]
    public void A_late_call_is_recorded_and_not_counted_and_its_cost_is_among_what_was_not_charged()
    {
        var ended = Job() with { Status = JobStatus.Cancelled, HoldState = "released", StartedCalls = 1, FailedCalls = 1, CompletedAt = s_now };
        var late = LedgerHarness.End(LedgerHarness.Intent("team", s_job));
        var account = Account(1) with { UnchargedThresholdUsd = 0.001m };

        var decision = CallRules.End(new(account, ended), late, s_ids, s_now);

        Assert.Equal("job.ended", decision.Answer.Failure?.Code);
        Assert.Equal(ended with { Running = decision.State.Job!.Running }, decision.State.Job);
        Assert.Equal(account with { MonthUnchargedUsd = 0.0012m }, decision.State.Account);
        Assert.Equal([typeof(CallRecorded), typeof(AttemptClosed), typeof(EventRaised)], decision.Entries.Select(entry => entry.GetType()));
        // As its job counted it, with what it cost.
        Assert.Equal(late with { ErrorCode = "job.ended" }, Assert.IsType<CallRecorded>(decision.Entries[0]).Call);
        Assert.Equal("team.uncharged_cost", Assert.IsType<EventRaised>(decision.Entries[2]).Topic);
        // Without the account nothing is done: the writer is asked again, with it.
        var first = CallRules.End(new(null, ended), late, s_ids, s_now);
        Assert.Equal((CallRules.AccountNeeded, 0), (first.Answer.Failure, first.Entries.Count));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(0.0000001)]
    [InlineData(1_000_000_001)]
    public void Credits_that_are_no_credits_are_not_added(double credits)
    {
        var command = new AddCredits(new(Guid.NewGuid()), "team", (decimal)credits, "", new(LotSource.Purchase));

        Assert.Equal("credits.invalid_amount", AddCreditsRule.Decide(new(Account(1), null), command, s_ids, s_now).Answer.Failure?.Code);
    }

    private static Decision<OpenedJob> Open(AccountState account, DateTimeOffset? now = null)
        => OpenJobRule.Decide(
            new(account, null), new(s_job, "team", "test", null, null, "{}", TimeSpan.FromHours(1), 100), now ?? s_now);

    private static Decision<ClosedJob> Close(AccountState account, JobState job, string status, DateTimeOffset? now = null)
        => CloseJobRule.Decide(new(account, job), new("team", s_job, status, null, null), s_ids, now ?? s_now);

    // With one lot, of which everything is taken.
    private static AccountState Account(decimal allocated, decimal used = 0, decimal held = 0)
        => new("team", "org", false, allocated, used, held, BudgetTerms.Default, null, 0, new(2026, 3, 1), 1, 1)
        {
            Lots = [new(new(Guid.Empty), 50, null, s_now.AddDays(-1), allocated, allocated - used, held)],
        };

    private static JobState Job()
        => new("team", s_job, false, JobStatus.Pending, BudgetTerms.Default, 100, null, s_now.AddHours(-1), s_now.AddHours(1), 1)
        {
            Lots = [new(new(Guid.Empty), 1)],
        };
}
