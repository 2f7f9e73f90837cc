using System.ComponentModel.DataAnnotations;

namespace SaasLlm.Core.Data.Retention;

/// <summary>How long what grows is kept. Section <c>Retention</c>. The ledger, jobs and their roll-ups are kept for ever.</summary>
public sealed class RetentionOptions
{
    public const string Section = "Retention";

    /// <summary>Whole months that calls and their upstream attempts are kept after their own; what they used stays in the roll-ups.</summary>
    [Range(2, 1200)]
    public int CallMonths { get; set; } = 13;

    /// <summary>Whole months that events, and their deliveries to webhooks, are kept after their own.</summary>
    [Range(1, 1200)]
    public int EventMonths { get; set; } = 3;

    /// <summary>How long making or dropping a month, or a week of bodies, may wait for those who use its table, while all others wait for it; it is tried again at the next run.</summary>
    [Range(typeof(TimeSpan), "00:00:00.01", "00:01:00")]
    public TimeSpan LockTimeout { get; set; } = TimeSpan.FromMilliseconds(100);
}
