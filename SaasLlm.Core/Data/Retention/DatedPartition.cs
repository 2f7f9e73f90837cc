using System.Globalization;
using System.Text.RegularExpressions;

namespace SaasLlm.Core.Data.Retention;

/// <summary>A month of a table that is partitioned by its UUIDv7, <c>llm_calls_2026_01</c>, or a week of bodies, <c>llm_call_bodies_2026_01_05</c>.</summary>
/// <param name="Until">Exclusive.</param>
internal sealed partial record DatedPartition(string Name, string Parent, DateTimeOffset From, DateTimeOffset Until)
{
    private const int DaysInWeek = 7;

    public bool HoldsCalls => Parent is "llm_calls" or "llm_attempts";

    public bool HoldsEvents => Parent == "outbox" || Parent.StartsWith("webhook_", StringComparison.Ordinal);

    /// <summary>What runs out in that week.</summary>
    public bool HoldsBodies => Parent == "llm_call_bodies";

    /// <summary>The same month of another table.</summary>
    public string NameIn(string parent) => string.Create(CultureInfo.InvariantCulture, $"{parent}_{From:yyyy_MM}");

    /// <summary>Null for the default partition, and for one that was not made here.</summary>
    public static DatedPartition? Of(string name, string parent)
    {
        if (!name.StartsWith(parent, StringComparison.Ordinal) || Date().Match(name[parent.Length..]) is not { Success: true } date)
        {
            return null;
        }

        var isWeek = date.Groups[2].Success;
        return DateTimeOffset.TryParseExact(
            date.Groups[1].Value, isWeek ? "yyyy_MM_dd" : "yyyy_MM", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var from)
            ? new(name, parent, from, isWeek ? from.AddDays(DaysInWeek) : from.AddMonths(1))
            : null;
    }

    [GeneratedRegex(@"^_(\d{4}_\d\d(_\d\d)?)$")]
    private static partial Regex Date();
}
