using System.Text.Json.Serialization;
using SaasLlm.Core.Usage;

namespace SaasLlm.ApiService.Usage;

/// <summary>A month's usage. What the provider takes and which models answered is for the operator; a team does not see those members.</summary>
/// <param name="TotalCostUsd">The client's cost, with markup.</param>
/// <param name="MarginUsd">Client cost less provider cost.</param>
internal sealed record UsageResponse(
    string Id,
    string Period,
    IReadOnlyDictionary<string, long> JobsByStatus,
    IReadOnlyDictionary<string, long> JobsByType,
    long TotalJobs,
    long TotalCalls,
    long SuccessfulCalls,
    long FailedCalls,
    long TotalTokens,
    long InputTokens,
    long OutputTokens,
    decimal TotalCostUsd,
    decimal CreditsUsed,
    IReadOnlyList<GroupUsage> ModelGroups,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] decimal? ProviderCostUsd,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] decimal? MarginUsd,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] long? UnknownCostCalls,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<ModelUsage>? Models)
{
    public static UsageResponse Example => new(
        "team_hr", "2026-01", new Dictionary<string, long> { ["completed"] = 1, ["failed"] = 1 }, new Dictionary<string, long> { ["resume_analysis"] = 2 },
        2, 3, 3, 0, 1834, 812, 1022, 0.0231m, 1, [new("ResumeAgent", 3, 0, 1834, 0.0231m)], null, null, null, null);

    public static UsageResponse From(string id, UsagePeriod period, UsageReport report, bool isOperator) => new(
        id,
        period.ToString(),
        report.JobsByStatus,
        report.JobsByType,
        report.JobsByStatus.Values.Sum(),
        report.SuccessfulCalls + report.FailedCalls,
        report.SuccessfulCalls,
        report.FailedCalls,
        report.InputTokens + report.OutputTokens,
        report.InputTokens,
        report.OutputTokens,
        report.ClientCostUsd,
        report.CreditsUsed,
        report.ModelGroups,
        isOperator ? report.ProviderCostUsd : null,
        isOperator ? report.ClientCostUsd - report.ProviderCostUsd : null,
        isOperator ? report.UnknownCostCalls : null,
        isOperator ? report.Models : null);
}
