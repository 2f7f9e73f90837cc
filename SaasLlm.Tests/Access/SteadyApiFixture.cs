using System.Diagnostics;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.Access;

/// <summary>
/// Two replicas whose caches grow old only as far as a test moves their clock: what one of them knows of the other's changes, it heard, or the
/// clock was moved as far as it may rely on old values.
/// </summary>
public sealed class SteadyApiFixture(AppFixture app) : ApiFixture(app)
{
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    // Half of what a cache keeps while it hears of changes.
    private static readonly TimeSpan s_movedMax = TimeSpan.FromSeconds(5);

    private readonly StandingTime _time = new(pauseMax: TimeSpan.FromHours(1));

    internal override TimeProvider Time => _time;

    internal void Move(TimeSpan by) => _time.Move(by);

    /// <summary>Until a replica has heard of it. The clock moves meanwhile, for who tries again after a while, but nothing grows too old.</summary>
    internal async Task UntilHeardAsync(Func<Task<bool>> condition)
    {
        var moved = TimeSpan.Zero;
        for (var began = Stopwatch.GetTimestamp(); !await condition(); await Task.Delay(s_poll))
        {
            Assert.True(Stopwatch.GetElapsedTime(began) < s_patience, "the other replica never heard of it");
            if (moved < s_movedMax)
            {
                Move(s_poll);
                moved += s_poll;
            }
        }
    }

    // Who has lost Redis tries again after a while.
    private protected override Task PauseAsync()
    {
        Move(s_poll);
        return base.PauseAsync();
    }
}

/// <summary>The classes that share them; they run one after another, and some cut the wires.</summary>
[CollectionDefinition(Name)]
public sealed class SteadyApiTests : ICollectionFixture<SteadyApiFixture>
{
    public const string Name = "steady api";
}
