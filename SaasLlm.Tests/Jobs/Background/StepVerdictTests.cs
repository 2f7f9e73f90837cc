using SaasLlm.Core.Common;
using SaasLlm.Core.Jobs.Background;

namespace SaasLlm.Tests.Jobs.Background;

/// <summary>What becomes of a step whose call failed.</summary>
public sealed class StepVerdictTests
{
    private static readonly int[] s_tries = [0, 1, 2, 3, 4, 9];
    private static readonly BackgroundJobOptions s_options = new();

    [Theory]
    [InlineData(FailureKind.Conflict, "llm.answer_not_kept", "Lost")]
    [InlineData(FailureKind.Conflict, "job.ended", "JobEnded")]
    [InlineData(FailureKind.Conflict, "job.expired", "JobEnded")]
    [InlineData(FailureKind.NotFound, "job.not_found", "JobEnded")]
    [InlineData(FailureKind.Forbidden, "team.suspended", "Again 30 False")]
    [InlineData(FailureKind.LimitReached, "jobs.limit", "Failed")]
    [InlineData(FailureKind.LimitReached, "llm.rate_limited", "Again 5 False")]
    [InlineData(FailureKind.Unavailable, "store.unavailable", "Again 5 False")]
    [InlineData(FailureKind.UpstreamFailed, "llm.all_models_failed", "Again 1 True")]
    [InlineData(FailureKind.UpstreamTimeout, "llm.deadline_exceeded", "Again 1 True")]
    [InlineData(FailureKind.InsufficientCredits, "credits.insufficient", "Again 30 True")]
    [InlineData(FailureKind.Invalid, "llm.request_rejected", "Failed")]
    [InlineData(FailureKind.NotFound, "model_group.not_found", "Failed")]
    public void Each_failure_has_its_meaning(FailureKind kind, string code, string expected)
    {
        var verdict = StepVerdict.Of(new(kind, code, "x"), tries: 0, maxTries: 3, s_options, random: 0);

        Assert.Equal(expected, verdict.Kind == StepVerdictKind.Again ? $"Again {verdict.Wait.TotalSeconds} {verdict.Counts}" : $"{verdict.Kind}");
    }

    [Fact]
    public void The_last_try_is_the_last()
    {
        Assert.Equal(StepVerdictKind.Again, Upstream(tries: 1).Kind);
        Assert.Equal(StepVerdictKind.Failed, Upstream(tries: 2).Kind);
    }

    [Fact]
    public void Waits_double_up_to_the_longest()
        => Assert.Equal([1, 2, 4, 8, 16, 300], s_tries.Select(tries
            => StepVerdict.Of(new(FailureKind.UpstreamFailed, "llm.all_models_failed", "x"), tries, 100, s_options, 0).Wait.TotalSeconds));

    [Fact]
    public void What_was_asked_for_is_waited_for_and_no_two_come_back_together()
    {
        var limited = new Failure(FailureKind.LimitReached, "rate_limit.exceeded", "x") { RetryAfter = TimeSpan.FromSeconds(20), ShouldRetry = true };

        Assert.Equal((20, 30), (StepVerdict.Of(limited, 0, 1, s_options, 0).Wait.TotalSeconds, StepVerdict.Of(limited, 0, 1, s_options, 1).Wait.TotalSeconds));
    }

    [Fact]
    public void What_never_fits_is_not_tried_again()
        => Assert.Equal(StepVerdictKind.Failed, StepVerdict.Of(
            new Failure(FailureKind.LimitReached, "rate_limit.exceeded", "x") { ShouldRetry = false }, 0, 10, s_options, 0).Kind);

    private static StepVerdict Upstream(int tries)
        => StepVerdict.Of(new(FailureKind.UpstreamFailed, "llm.all_models_failed", "x"), tries, 3, s_options, 0);
}
