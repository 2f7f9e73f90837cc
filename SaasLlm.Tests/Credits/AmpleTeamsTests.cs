using SaasLlm.Core.Common;
using SaasLlm.Core.Credits.Redis;
using SaasLlm.Core.Credits.Rules;

namespace SaasLlm.Tests.Credits;

/// <summary>Which teams Redis is not asked about, and what it is told of them all the same.</summary>
public sealed class AmpleTeamsTests
{
    private readonly List<BalancePush> _sent = [];

    [Theory]
    [InlineData(999, 1, false)]
    [InlineData(1000, 1, true)]
    [InlineData(4999, 5, false)]
    [InlineData(1_000_000, 0, false)]
    public void A_balance_is_ample_when_it_pays_for_a_thousand_jobs(int available, int openingHold, bool isAmple)
        => Assert.Equal(isAmple, AmpleTeams.IsAmple(available, openingHold));

    [Fact]
    public void An_unknown_team_is_asked_about()
        => Assert.False(Make().Covers("team", null));

    [Fact]
    public void A_team_with_plenty_is_covered_up_to_a_thousandth_of_its_balance()
    {
        var teams = Make();
        Assert.True(teams.TryTake(Push(1, available: 5000)));
        Assert.True(teams.Covers("team", null));
        Assert.True(teams.Covers("team", 5));
        Assert.False(teams.Covers("team", 5.000001m));
        Assert.Empty(_sent);
    }

    [Fact]
    public void What_waited_goes_before_the_first_push_that_is_urgent()
    {
        var teams = Make();
        var (first, second) = (JobId.New(TimeProvider.System), JobId.New(TimeProvider.System));
        Assert.True(teams.TryTake(Push(1, available: 1002, opened: [first, second])));
        Assert.True(teams.TryTake(Push(2, available: 1001, ended: [first])));
        Assert.False(teams.TryTake(Push(3, available: 999)));

        var waited = Assert.Single(_sent);
        Assert.Equal((0, 2, 1001), (waited.FromVersion, waited.Version, waited.Available));
        Assert.Equal([second], waited.Opened.Select(hold => hold.JobId));
        Assert.Equal([first], waited.Ended);
        Assert.False(teams.Covers("team", null));
    }

    [Fact]
    public void A_commit_of_another_replica_in_between_parts_what_is_told()
    {
        var teams = Make();
        Assert.True(teams.TryTake(Push(1, available: 5000)));
        Assert.True(teams.TryTake(Push(3, available: 4999)));
        var first = Assert.Single(_sent);
        Assert.Equal((0, 1), (first.FromVersion, first.Version));
    }

    [Fact]
    public async Task What_waits_is_told_by_itself()
    {
        var told = new TaskCompletionSource<BalancePush>();
        var teams = new AmpleTeams(push =>
        {
            told.TrySetResult(push);
            return Task.CompletedTask;
        });
        var push = Push(1, available: 5000, ended: [JobId.New(TimeProvider.System)]);
        Assert.True(teams.TryTake(push));
        var waited = await told.Task.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal((push.Version, push.Available), (waited.Version, waited.Available));
        Assert.Equal(push.Ended, waited.Ended);
    }

    private AmpleTeams Make() => new(push =>
    {
        _sent.Add(push);
        return Task.CompletedTask;
    });

    private static BalancePush Push(long version, decimal available, JobId[]? opened = null, JobId[]? ended = null) => new(
        "team", version - 1, version, available, 0, 0, 1, true,
        [.. (opened ?? []).Select(job => new HoldView(job, 1, DateTimeOffset.MaxValue))], ended ?? []);
}
