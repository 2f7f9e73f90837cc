using System.Text.Json.Serialization;
using SaasLlm.Core.Common;
using SaasLlm.Core.Usage;

namespace SaasLlm.ApiService.Usage;

/// <summary>A row of a usage report: what it is grouped by, and what was used. By group or model it is of calls only: a job may use several.</summary>
/// <param name="UserId">Null: jobs without one.</param>
/// <param name="Model">Null: calls that no model answered.</param>
/// <param name="UnknownCostCalls">Of the calls, those that may have cost more than `provider_cost_usd` counts.</param>
/// <param name="AvgLatencyMs">Of its calls; 0 where there are none.</param>
internal sealed record UsageItemResponse(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] Optional<string?> TeamId,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] Optional<string?> ModelGroup,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] Optional<string?> JobType,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] Optional<string?> UserId,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] Optional<string?> Model,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] Optional<string?> Hour,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] Optional<string?> Day,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] Optional<string?> Month,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] long? TotalJobs,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] long? CompletedJobs,
    long TotalCalls,
    long FailedCalls,
    long InputTokens,
    long CachedInputTokens,
    long OutputTokens,
    long ReasoningTokens,
    long AvgLatencyMs,
    decimal TotalCostUsd,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] decimal? CreditsUsed,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] decimal? CreditsRefunded,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] decimal? ProviderCostUsd,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] decimal? MarginUsd,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] decimal? RevenueUsd,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] decimal? UnpricedCredits,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] decimal? ProfitUsd,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] long? UnknownCostCalls)
{
    public static readonly UsageItemResponse Example = new(
        default, default, default, default, default, default, "2026-01-31", default, 2, 1, 3, 0, 812, 0, 1022, 0, 640, 0.0231m, 1, 0,
        0.0193m, 0.0038m, 0.1m, 0, 0.0807m, 0);

    public static UsageItemResponse From(UsageQuery query, UsageRow row, bool isOperator)
    {
        var (used, hasJobs) = (row.Measures, !query.IsOfCalls);
        var isEarned = hasJobs && isOperator;
        return new(
            Key(UsageDimension.Team),
            Key(UsageDimension.ModelGroup),
            Key(UsageDimension.JobType),
            Key(UsageDimension.User),
            Key(UsageDimension.Model),
            Key(UsageDimension.Hour),
            Key(UsageDimension.Day),
            Key(UsageDimension.Month),
            hasJobs ? used.Jobs : null,
            hasJobs ? used.JobsCompleted : null,
            used.Calls,
            used.CallsFailed,
            used.InputTokens,
            used.CachedInputTokens,
            used.OutputTokens,
            used.ReasoningTokens,
            used.Calls == 0 ? 0 : used.LatencyMsSum / used.Calls,
            used.ClientCostUsd,
            hasJobs ? used.CreditsUsed : null,
            hasJobs ? used.CreditsRefunded : null,
            isOperator ? used.ProviderCostUsd : null,
            isOperator ? used.ClientCostUsd - used.ProviderCostUsd : null,
            isEarned ? used.RevenueUsd : null,
            isEarned ? used.CreditsUnpriced : null,
            isEarned ? used.RevenueUsd - used.ProviderCostUsd : null,
            isOperator ? used.CallsUnknownCost : null);

        Optional<string?> Key(string dimension)
        {
            for (var index = 0; index < query.GroupBy.Count; index++)
            {
                if (query.GroupBy[index] == dimension)
                {
                    return TextOf(dimension, row.Keys[index]);
                }
            }

            return default;
        }
    }

    /// <summary>A key as it is shown: 2026-01-31T15:00:00Z, 2026-01-31 and 2026-01 for hours, days and months; null for none.</summary>
    public static string? TextOf(string dimension, string key) => dimension switch
    {
        UsageDimension.Day => key[..10],
        UsageDimension.Month => key[..7],
        _ => key.Length == 0 ? null : key,
    };
}
