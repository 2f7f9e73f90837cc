using System.Text.Json;
using SaasLlm.Core.Common;
using SaasLlm.Core.Jobs;

namespace SaasLlm.Core.Usage;

/// <summary>What was used, and a page of it grouped as asked.</summary>
/// <param name="Total">All of it.</param>
/// <param name="Rows">Empty where nothing was asked to group by.</param>
public sealed record UsageReport(
    UsageMeasures Total,
    IReadOnlyDictionary<string, long> JobsByStatus,
    IReadOnlyDictionary<string, long> JobsByType,
    IReadOnlyList<GroupUsage> ModelGroups,
    IReadOnlyList<ModelUsage> Models,
    Page<UsageRow> Rows)
{
    /// <summary>The keys of a row, as its page's cursor has them.</summary>
    public static string KeyOf(UsageRow row) => JsonSerializer.Serialize(row.Keys);

    /// <summary>The keys in a cursor; null where it is none of such a report.</summary>
    public static IReadOnlyList<string>? KeysIn(string cursor, int count)
    {
        try
        {
            return JsonSerializer.Deserialize<string[]>(cursor) is { } keys && keys.Length == count && !keys.Contains(null) ? keys : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The rows that a summary is made of: as many as there are job types, groups and models together.</summary>
    internal static UsageQuery SummaryOf(UsageQuery query) => query with
    {
        // By end user nothing is known of models.
        GroupBy = [UsageDimension.JobType, UsageDimension.ModelGroup, .. query.UserId is null ? [UsageDimension.Model] : Array.Empty<string>()],
        KeepsAll = true,
    };

    internal static UsageReport Of(List<UsageRow> whole, List<UsageRow> rows, int limit)
    {
        var total = Sum(whole);
        var calls = whole.Where(row => row.Measures.Calls > 0).ToList();
        return new(
            total,
            Known([
                (JobStatus.Completed, total.JobsCompleted), (JobStatus.Failed, total.JobsFailed), (JobStatus.Cancelled, total.JobsCancelled),
                (JobStatus.Expired, total.JobsExpired), (JobStatus.Pending, total.JobsPending), (JobStatus.InProgress, total.JobsInProgress)]),
            Known(whole.GroupBy(row => row.Keys[0]).Select(type => (type.Key, Sum(type).Jobs))),
            [.. By(calls, 1).Select(group => new GroupUsage(
                group.Key, group.Used.Calls, group.Used.CallsFailed, group.Used.Tokens, group.Used.ClientCostUsd))],
            [.. By(calls.Where(row => row.Keys.Count > 2 && row.Keys[2].Length > 0), 2).Select(model => new ModelUsage(
                model.Key, model.Used.Calls, model.Used.Tokens, model.Used.ProviderCostUsd))],
            Page.From(rows, limit, KeyOf));
    }

    private static IEnumerable<(string Key, UsageMeasures Used)> By(IEnumerable<UsageRow> rows, int key)
        => rows.GroupBy(row => row.Keys[key]).OrderBy(group => group.Key, StringComparer.Ordinal).Select(group => (group.Key, Sum(group)));

    private static UsageMeasures Sum(IEnumerable<UsageRow> rows) => rows.Aggregate(UsageMeasures.Zero, (sum, row) => sum + row.Measures);

    private static Dictionary<string, long> Known(IEnumerable<(string Name, long Count)> counts)
        => counts.Where(one => one.Count > 0).ToDictionary(one => one.Name, one => one.Count, StringComparer.Ordinal);
}

/// <summary>The calls of one model group.</summary>
public sealed record GroupUsage(string ModelGroup, long Calls, long FailedCalls, long Tokens, decimal ClientCostUsd);

/// <summary>The answered calls of one model; for the operator only.</summary>
public sealed record ModelUsage(string Model, long Calls, long Tokens, decimal ProviderCostUsd);
