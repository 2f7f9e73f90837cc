using System.ComponentModel.DataAnnotations;

namespace SaasLlm.Core.Jobs.Background;

/// <summary>How a runner runs the steps of background jobs.</summary>
public sealed class BackgroundJobOptions
{
    public const string Section = "BackgroundJobs";

    /// <summary>Steps that one runner runs at once.</summary>
    [Range(1, 4096)]
    public int StepsMax { get; set; } = 64;

    /// <summary>Steps of one team that run at once, on all runners together.</summary>
    [Range(1, 4096)]
    public int TeamStepsMax { get; set; } = 16;

    /// <summary>
    /// Steps of all teams that run at once, on all runners together; 0: as many as the runners have places for. It is never passed: claims
    /// take turns where it is set. Runners that are told different numbers each keep their own.
    /// </summary>
    [Range(0, 1_000_000)]
    public int AllStepsMax { get; set; } = 1024;

    /// <summary>How long a step stays with a runner that no longer says so; it says so three times as often.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan Lease { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How often it looks for work that nobody told it of.</summary>
    [Range(typeof(TimeSpan), "00:00:00.01", "01:00:00")]
    public TimeSpan Poll { get; set; } = TimeSpan.FromMilliseconds(250);

    /// <summary>The wait after a step's first failure; it doubles with each further one.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:10:00")]
    public TimeSpan RetryMin { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest such wait.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "01:00:00")]
    public TimeSpan RetryMax { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Claims of a step without an end, after which it fails: each of them took its runner with it.</summary>
    [Range(1, 100)]
    public int ClaimsMax { get; set; } = 5;

    /// <summary>How long after its end a plan is kept, with what was asked and answered; the job itself stays.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "3650.00:00:00")]
    public TimeSpan KeepFor { get; set; } = TimeSpan.FromDays(30);
}
