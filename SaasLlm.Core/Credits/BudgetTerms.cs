using SaasLlm.Core.Common;

namespace SaasLlm.Core.Credits;

/// <summary>How jobs are charged: a team's terms, and a copy of them in every job, which it keeps whatever changes later.</summary>
/// <param name="Mode">One of <see cref="BudgetMode"/>.</param>
/// <param name="CreditsPerJob">The price of a <c>job_based</c> job, in credits; otherwise without meaning.</param>
/// <param name="CreditsPerDollar">Credits for one US dollar of client cost, in <c>consumption_usd</c>.</param>
/// <param name="TokensPerCredit">In <c>consumption_tokens</c>.</param>
/// <param name="Increment">Consumption is rounded up to a multiple of it, once a job, and is at least one of it. Credits.</param>
/// <param name="MarkupPercent">Client cost = provider cost × (1 + this / 100).</param>
public sealed record BudgetTerms(
    string Mode, decimal CreditsPerJob, decimal CreditsPerDollar, long TokensPerCredit, decimal Increment, decimal MarkupPercent)
{
    /// <summary>One credit a job; the rates that a team has until it is given others.</summary>
    public static BudgetTerms Default { get; } = new(BudgetMode.JobBased, 1, 10, 10_000, 1, 0);

    /// <summary>True in both consumption modes.</summary>
    public bool IsConsumption => Mode != BudgetMode.JobBased;

    /// <summary>What opening a job holds, in credits: its price, or one increment.</summary>
    public decimal OpeningHold => IsConsumption ? Increment : CreditsPerJob;

    /// <summary>What consumption costs, in credits: rounded up to the increment, at least one of it.</summary>
    public decimal CreditsFor(decimal clientCostUsd, long tokens)
    {
        var credits = Mode == BudgetMode.ConsumptionUsd ? clientCostUsd * CreditsPerDollar : (decimal)tokens / TokensPerCredit;
        return Math.Max(1, Math.Ceiling(credits / Increment)) * Increment;
    }

    /// <summary>What the client pays for a provider's cost, in USD.</summary>
    public decimal ClientCost(decimal providerCostUsd) => Money.ClientCost(providerCostUsd, MarkupPercent);
}

/// <summary>What of a team's <see cref="BudgetTerms"/> to set; what is null stays as it is.</summary>
public sealed record BudgetTermsChange(
    string? Mode = null,
    decimal? CreditsPerJob = null,
    decimal? CreditsPerDollar = null,
    long? TokensPerCredit = null,
    decimal? Increment = null,
    decimal? MarkupPercent = null)
{
    /// <summary>All of them.</summary>
    public static implicit operator BudgetTermsChange(BudgetTerms terms) => new(
        terms.Mode, terms.CreditsPerJob, terms.CreditsPerDollar, terms.TokensPerCredit, terms.Increment, terms.MarkupPercent);

    /// <summary><paramref name="terms"/> with the change.</summary>
    public BudgetTerms Apply(BudgetTerms terms) => new(
        Mode ?? terms.Mode,
        CreditsPerJob ?? terms.CreditsPerJob,
        CreditsPerDollar ?? terms.CreditsPerDollar,
        TokensPerCredit ?? terms.TokensPerCredit,
        Increment ?? terms.Increment,
        MarkupPercent ?? terms.MarkupPercent);
}
