using System.Text.Json.Serialization;
using SaasLlm.Core.Common;
using SaasLlm.Core.Usage;

namespace SaasLlm.ApiService.Usage;

/// <summary>What was used. What the provider takes, which models answered and what was earned is for the operator; a team does not see those members.</summary>
/// <param name="Id">The team's or the organization's; left out where it is everybody.</param>
/// <param name="Period">The month that was asked for.</param>
/// <param name="JobsByStatus">Ended jobs by when they ended, open ones by when they were opened. Left out, as all of jobs and credits, where one group is asked for.</param>
/// <param name="FailedCalls">Those that their job's end overtook as well, with what they cost.</param>
/// <param name="TotalCostUsd">The client's cost, with markup. Of calls that ended after their jobs too, which the jobs' own totals do not hold.</param>
/// <param name="CreditsUsed">Deductions less refunds, by the ledger.</param>
/// <param name="MarginUsd">Client cost less provider cost.</param>
/// <param name="RevenueUsd">What the customers had paid for the credits used, as far as their lots say it (`cost_basis_usd`).</param>
/// <param name="UnpricedCredits">Of the credits used, those whose lots do not say it.</param>
/// <param name="ProfitUsd">Revenue less provider cost.</param>
/// <param name="UnknownCostCalls">
/// Of the calls, those that may have cost more than `provider_cost_usd` counts. Calls whose process died are none of the calls: what their attempts may
/// have cost is among the unmeasured costs.
/// </param>
/// <param name="Items">A page of it by `group_by`.</param>
internal sealed record UsageResponse(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Id,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Period,
    DateTimeOffset From,
    DateTimeOffset Until,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyDictionary<string, long>? JobsByStatus,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyDictionary<string, long>? JobsByType,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] long? TotalJobs,
    long TotalCalls,
    long SuccessfulCalls,
    long FailedCalls,
    long TotalTokens,
    long InputTokens,
    long CachedInputTokens,
    long OutputTokens,
    long ReasoningTokens,
    decimal TotalCostUsd,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] decimal? CreditsUsed,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] decimal? CreditsRefunded,
    IReadOnlyList<GroupUsage> ModelGroups,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] decimal? ProviderCostUsd,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] decimal? MarginUsd,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] decimal? RevenueUsd,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] decimal? UnpricedCredits,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] decimal? ProfitUsd,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] long? UnknownCostCalls,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<ModelUsage>? Models,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<UsageItemResponse>? Items,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? NextCursor)
{
    private static readonly DateTimeOffset s_january = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static UsageResponse Example => new(
        "team_hr", "2026-01", s_january, s_january.AddMonths(1), new Dictionary<string, long> { ["completed"] = 1, ["failed"] = 1 },
        new Dictionary<string, long> { ["resume_analysis"] = 2 }, 2, 3, 3, 0, 1834, 812, 0, 1022, 0, 0.0231m, 1, 0, [new("ResumeAgent", 3, 0, 1834, 0.0231m)],
        null, null, null, null, null, null, null, null, null);

    public static UsageResponse OperatorExample => Example with
    {
        ProviderCostUsd = 0.0193m,
        MarginUsd = 0.0038m,
        RevenueUsd = 0.1m,
        UnpricedCredits = 0,
        ProfitUsd = 0.0807m,
        UnknownCostCalls = 0,
        Models = [new("gpt-4-turbo", 3, 1834, 0.0193m)],
        Items = [UsageItemResponse.Example],
    };

    public static UsageResponse Of(string? id, string? period, UsageQuery query, UsageReport report, bool isOperator)
    {
        var total = report.Total;
        var hasJobs = query.ModelGroup is null;
        var isEarned = hasJobs && isOperator;
        return new(
            id,
            period,
            query.From,
            query.Until,
            hasJobs ? report.JobsByStatus : null,
            hasJobs ? report.JobsByType : null,
            hasJobs ? total.Jobs : null,
            total.Calls,
            total.CallsSucceeded,
            total.CallsFailed,
            total.Tokens,
            total.InputTokens,
            total.CachedInputTokens,
            total.OutputTokens,
            total.ReasoningTokens,
            total.ClientCostUsd,
            hasJobs ? total.CreditsUsed : null,
            hasJobs ? total.CreditsRefunded : null,
            report.ModelGroups,
            isOperator ? total.ProviderCostUsd : null,
            isOperator ? total.ClientCostUsd - total.ProviderCostUsd : null,
            isEarned ? total.RevenueUsd : null,
            isEarned ? total.CreditsUnpriced : null,
            isEarned ? total.RevenueUsd - total.ProviderCostUsd : null,
            isOperator ? total.CallsUnknownCost : null,
            isOperator ? report.Models : null,
            query.GroupBy.Count == 0 ? null : [.. report.Rows.Items.Select(row => UsageItemResponse.From(query, row, isOperator))],
            report.Rows.NextCursor);
    }
}
