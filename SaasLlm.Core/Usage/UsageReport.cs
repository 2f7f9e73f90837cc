namespace SaasLlm.Core.Usage;

/// <summary>What a team or an organization used in a calendar month (UTC).</summary>
/// <param name="CreditsUsed">Deductions less refunds, from the ledger.</param>
/// <param name="ClientCostUsd">Of the month's calls, with markup.</param>
/// <param name="ProviderCostUsd">What the operator pays, as far as known.</param>
/// <param name="UnknownCostCalls">Calls whose provider cost is not known.</param>
public sealed record UsageReport(
    DateTimeOffset From,
    DateTimeOffset Until,
    IReadOnlyDictionary<string, long> JobsByStatus,
    IReadOnlyDictionary<string, long> JobsByType,
    decimal CreditsUsed,
    long SuccessfulCalls,
    long FailedCalls,
    long InputTokens,
    long OutputTokens,
    decimal ClientCostUsd,
    decimal ProviderCostUsd,
    long UnknownCostCalls,
    IReadOnlyList<GroupUsage> ModelGroups,
    IReadOnlyList<ModelUsage> Models);

/// <summary>The month's calls of one model group.</summary>
public sealed record GroupUsage(string ModelGroup, long Calls, long FailedCalls, long Tokens, decimal ClientCostUsd);

/// <summary>The month's answered calls of one model; for the operator only.</summary>
public sealed record ModelUsage(string Model, long Calls, long Tokens, decimal ProviderCostUsd);
