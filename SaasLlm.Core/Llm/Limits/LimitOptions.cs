using System.ComponentModel.DataAnnotations;

namespace SaasLlm.Core.Llm.Limits;

/// <summary>How limits of calls are measured. Section <c>Limits</c>.</summary>
internal sealed class LimitOptions
{
    public const string Section = "Limits";

    /// <summary>What "a minute" is; tests make it short.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "01:00:00")]
    public TimeSpan Window { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>In how many parts the window slides: what was used comes back at most one part late.</summary>
    [Range(1, 600)]
    public int Slots { get; set; } = 60;
}
