using SaasLlm.Core.Common;
using SaasLlm.Core.Usage;

namespace SaasLlm.Tests.Usage;

/// <summary>Holds the reports against <see cref="RawUsage"/>.</summary>
internal static class UsageComparison
{
    private static readonly string[][] s_groupings =
    [
        [], ["team"], ["model_group"], ["job_type"], ["user"], ["model"], ["hour"], ["day"], ["month"], ["day", "user"], ["team", "model_group", "model"],
        ["user", "model_group"], ["hour", "team", "job_type"], ["month", "job_type"],
    ];

    /// <summary>Asks for reports of every grouping, <paramref name="few"/> of them or all, by filters at random; each must equal the tables.</summary>
    public static async Task CompareAsync(this UsageBench bench, Random random, List<string> teams, bool few = false)
    {
        var raw = await RawUsage.ReadAsync(bench.Source);
        var now = UsageGrain.Floor("hour", DateTimeOffset.UtcNow.AddHours(2));
        var from = UsageGrain.Floor("month", now.AddDays(-41));
        foreach (var grouping in few ? s_groupings[^6..] : s_groupings)
        {
            var byModel = grouping.Contains("model");
            UsageQuery[] queries =
            [
                new(from, now, grouping),
                new(from, now, grouping) { Teams = [teams[0]] },
                new(from.AddHours(random.Next(600)), now.AddHours(-random.Next(2, 300)), grouping) { Teams = teams, JobType = "type1" },
                new(from.AddHours(random.Next(900)), now, grouping) { UserId = byModel ? null : "user1", ModelGroup = random.Next(2) == 0 ? "G1" : null },
            ];
            foreach (var query in queries)
            {
                List<UsageRow> rows = [];
                await foreach (var row in bench.Reader.StreamAsync(query, default))
                {
                    rows.Add(row);
                }

                // Without groups there is a row of zeros where there is nothing.
                Assert.Equal(Print(raw.Report(query)), Print(rows.Where(row => row.Measures != UsageMeasures.Zero || grouping.Length > 0)));
                var report = await bench.Reader.ReadAsync(query, null, 1000, default);
                Assert.Equal(Print(raw.Report(query with { GroupBy = [] })), Print(report.Total == UsageMeasures.Zero ? [] : [new([], report.Total)]));
            }
        }
    }

    private static string Print(IEnumerable<UsageRow> rows)
        => string.Join('\n', rows.Select(row => $"{string.Join('/', row.Keys)} {Trimmed(row.Measures)}"));

    private static UsageMeasures Trimmed(UsageMeasures used) => used with
    {
        ClientCostUsd = Money.Trim(used.ClientCostUsd),
        ProviderCostUsd = Money.Trim(used.ProviderCostUsd),
        CreditsCharged = Money.Trim(used.CreditsCharged),
        CreditsRefunded = Money.Trim(used.CreditsRefunded),
        CreditsUnpriced = Money.Trim(used.CreditsUnpriced),
        RevenueUsd = Money.Trim(used.RevenueUsd),
    };
}
