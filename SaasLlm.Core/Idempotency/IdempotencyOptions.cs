using System.ComponentModel.DataAnnotations;

namespace SaasLlm.Core.Idempotency;

/// <summary>How repeats of a request meet.</summary>
public sealed class IdempotencyOptions
{
    public const string Section = "Idempotency";

    /// <summary>How long a repeat waits for the first attempt before it is told that it is in progress.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:10:00")]
    public TimeSpan WaitMax { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// The same of a request that calls a model: as long as a call may take (<c>Gateway:CallTimeout</c>), for a client that is sent away
    /// repeats a few times within seconds and gives up.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "02:00:00")]
    public TimeSpan CallWaitMax { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>How long an attempt is taken for alive without a sign of life; it gives three in that time.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan Lease { get; set; } = TimeSpan.FromSeconds(30);
}
