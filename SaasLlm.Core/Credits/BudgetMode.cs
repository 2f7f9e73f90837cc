namespace SaasLlm.Core.Credits;

/// <summary>How a team's jobs are charged, as stored and as written in JSON.</summary>
public static class BudgetMode
{
    /// <summary>A fixed price a job.</summary>
    public const string JobBased = "job_based";

    /// <summary>By what the job's calls cost the client.</summary>
    public const string ConsumptionUsd = "consumption_usd";

    /// <summary>By the tokens the job's calls used.</summary>
    public const string ConsumptionTokens = "consumption_tokens";

    public static IReadOnlyList<string> All { get; } = [JobBased, ConsumptionUsd, ConsumptionTokens];
}
