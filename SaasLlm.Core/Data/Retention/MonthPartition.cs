using System.Globalization;
using System.Text.RegularExpressions;

namespace SaasLlm.Core.Data.Retention;

/// <summary>A month of a table that is partitioned by its UUIDv7: <c>llm_calls_2026_01</c>.</summary>
internal sealed partial record MonthPartition(string Name, string Parent, DateTimeOffset From)
{
    /// <summary>Exclusive.</summary>
    public DateTimeOffset Until => From.AddMonths(1);

    public bool HoldsCalls => Parent is "llm_calls" or "llm_attempts";

    public bool HoldsEvents => Parent == "outbox" || Parent.StartsWith("webhook_", StringComparison.Ordinal);

    /// <summary>The same month of another table.</summary>
    public string NameIn(string parent) => string.Create(CultureInfo.InvariantCulture, $"{parent}_{From:yyyy_MM}");

    /// <summary>Null for the default partition, and for one that was not made here.</summary>
    public static MonthPartition? Of(string name, string parent)
        => name.StartsWith(parent, StringComparison.Ordinal) && Month().Match(name[parent.Length..]) is { Success: true } month
           && DateTimeOffset.TryParseExact(month.Groups[1].Value, "yyyy_MM", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var from)
            ? new(name, parent, from)
            : null;

    [GeneratedRegex(@"^_(\d{4}_\d\d)$")]
    private static partial Regex Month();
}
