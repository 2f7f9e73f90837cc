using SaasLlm.Core.Common;
using SaasLlm.Core.Credits.Redis;
using SaasLlm.Core.Credits.Rules;

namespace SaasLlm.Tests.Credits;

public sealed class WaitingPushesTests
{
    private static readonly DateTimeOffset s_end = new(2026, 11, 1, 12, 0, 0, TimeSpan.Zero);
    private readonly WaitingPushes _waiting = new();

    [Fact]
    public void A_hold_that_ends_while_its_opening_waits_is_pushed_once_and_as_ended()
    {
        var job = JobId.New(TimeProvider.System);
        Assert.Equal((0, true), Count(_waiting.Take([Opens("team", 1, job)])));

        var (due, beganToWait) = _waiting.Take([Push("team", 2, 3, [], [job])]);

        var push = Assert.Single(due);
        Assert.Equal((1L, 3L), (push.FromVersion, push.Version));
        Assert.Empty(push.Opened);
        Assert.Equal([job], push.Ended);
        Assert.False(beganToWait);
        Assert.Empty(_waiting.TakeAll());
    }

    [Fact]
    public void Openings_of_one_team_become_one_push_with_all_their_holds_and_the_last_balance()
    {
        var (first, second, other) = (JobId.New(TimeProvider.System), JobId.New(TimeProvider.System), JobId.New(TimeProvider.System));
        Assert.Equal((0, true), Count(_waiting.Take([Opens("team", 1, first), Opens("other", 7, other)])));
        Assert.Equal((0, false), Count(_waiting.Take([Opens("team", 2, second)])));

        var all = _waiting.TakeAll().OrderBy(push => push.TeamId, StringComparer.Ordinal).ToList();

        Assert.Equal(["other", "team"], all.Select(push => push.TeamId));
        Assert.Equal([first, second], all[1].Opened.Select(hold => hold.JobId));
        Assert.Equal((1L, 3L, 3m), (all[1].FromVersion, all[1].Version, all[1].Held));
        Assert.Equal((0, true), Count(_waiting.Take([Opens("team", 3, first)])));
    }

    // The version between is another process' to bring: a push that covered it would say that it had come.
    [Fact]
    public void Where_another_process_committed_between_them_both_are_pushed_the_earlier_one_first()
    {
        var (first, second) = (JobId.New(TimeProvider.System), JobId.New(TimeProvider.System));
        _waiting.Take([Opens("team", 1, first)]);

        var (due, _) = _waiting.Take([Push("team", 3, 4, [], [second])]);

        Assert.Equal([(1L, 2L), (3L, 4L)], due.Select(push => (push.FromVersion, push.Version)));
        Assert.Equal([first], due[0].Opened.Select(hold => hold.JobId));
    }

    // An extended hold is the later one.
    [Fact]
    public void A_hold_that_is_named_twice_counts_as_it_was_last()
    {
        var job = JobId.New(TimeProvider.System);
        _waiting.Take([Opens("team", 1, job)]);

        var (due, _) = _waiting.Take([Push("team", 2, 3, [new(job, 5, s_end)], [])]);

        Assert.Equal(new HoldView(job, 5, s_end), Assert.Single(Assert.Single(due).Opened));
    }

    private static (int Due, bool BeganToWait) Count((IReadOnlyList<BalancePush> Due, bool BeganToWait) taken) => (taken.Due.Count, taken.BeganToWait);

    private static BalancePush Opens(string team, long from, JobId job)
        => Push(team, from, from + 1, [new(job, 1, s_end)], []) with { OnlyOpens = true };

    private static BalancePush Push(string team, long from, long to, IReadOnlyList<HoldView> opened, IReadOnlyList<JobId> ended)
        => new(team, from, to, 10, 0, to, 1, true, opened, ended);
}
