using System.ComponentModel.DataAnnotations;

namespace SaasLlm.Core.Usage;

/// <summary>When hours are rolled up, and held against the tables again. Section <c>Usage</c>.</summary>
public sealed class UsageOptions
{
    public const string Section = "Usage";

    /// <summary>How long after its end an hour is closed: what was decided in it is committed by then.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan Grace { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>How many closed hours are held against the tables again whenever one more is closed.</summary>
    [Range(0, 168)]
    public int RecheckHours { get; set; } = 3;

    /// <summary>How far back the nightly check goes.</summary>
    [Range(typeof(TimeSpan), "01:00:00", "400.00:00:00")]
    public TimeSpan NightlyWindow { get; set; } = TimeSpan.FromDays(35);

    /// <summary>How long rolling up one hour may take.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "02:00:00")]
    public TimeSpan StatementTimeout { get; set; } = TimeSpan.FromMinutes(10);
}
