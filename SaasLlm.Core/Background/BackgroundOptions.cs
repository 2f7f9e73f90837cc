using System.ComponentModel.DataAnnotations;

namespace SaasLlm.Core.Background;

/// <summary>How runners share schedules. Section <c>Background</c>.</summary>
public sealed class BackgroundOptions
{
    public const string Section = "Background";

    /// <summary>How often a runner looks for schedules that are due, and for runs that were asked for.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:01:00")]
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How long after a runner's death another one does its run again. It is renewed three times in this time.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan LeaseDuration { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How often a runner writes down what its own passes did.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan RecordInterval { get; set; } = TimeSpan.FromSeconds(5);
}
