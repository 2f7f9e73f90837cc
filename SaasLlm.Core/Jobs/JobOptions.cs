using System.ComponentModel.DataAnnotations;

namespace SaasLlm.Core.Jobs;

/// <summary>What a job gets that asks for nothing else, and how long its attempts are waited for.</summary>
public sealed class JobOptions
{
    public const string Section = "Jobs";

    /// <summary>From opening to expiry: then the hold is released.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "30.00:00:00")]
    public TimeSpan Lifetime { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Calls a job may start.</summary>
    [Range(1, 100_000)]
    public int MaxCalls { get; set; } = 100;

    /// <summary>How long after its deadline a running attempt is taken for abandoned; looked for three times as often.</summary>
    [Range(typeof(TimeSpan), "00:00:00.3", "01:00:00")]
    public TimeSpan AttemptGrace { get; set; } = TimeSpan.FromSeconds(30);
}
