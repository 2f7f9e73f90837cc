using System.ComponentModel.DataAnnotations;

namespace SaasLlm.Core.Llm.Bodies;

/// <summary>How the bodies of calls are kept, of teams that want it. Section <c>CallBodies</c>.</summary>
public sealed class CallBodyOptions : IValidatableObject
{
    public const string Section = "CallBodies";

    /// <summary>Bytes of one request, and of one answer; of a longer one only its size is kept.</summary>
    [Range(1024, 32 * 1024 * 1024)]
    public int BytesMax { get; set; } = 1024 * 1024;

    /// <summary>Bytes that may wait to be written, in one process; what comes then is dropped, and counted.</summary>
    [Range(1024, 4L * 1024 * 1024 * 1024)]
    public long WaitingBytesMax { get; set; } = 64 * 1024 * 1024;

    /// <summary>Calls whose bodies may wait to be written.</summary>
    [Range(1, 1_000_000)]
    public int WaitingMax { get; set; } = 10_000;

    /// <summary>How long writing is tried again while Postgres is not there; then what was to be written is dropped, and counted.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan TryFor { get; set; } = TimeSpan.FromMinutes(1);

    /// <inheritdoc/>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        // A request and its answer: else they could never be kept.
        if (WaitingBytesMax < 2L * BytesMax)
        {
            yield return new($"{nameof(WaitingBytesMax)} must be at least twice {nameof(BytesMax)}.", [nameof(WaitingBytesMax)]);
        }
    }
}
