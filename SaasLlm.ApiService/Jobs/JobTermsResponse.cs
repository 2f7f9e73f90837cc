using SaasLlm.Core.Jobs;

namespace SaasLlm.ApiService.Jobs;

/// <summary>How a job is charged and limited: it keeps what it opened with.</summary>
/// <param name="Price">Of a <c>job_based</c> job, in credits; 0 where consumption decides.</param>
/// <param name="MaxCostUsd">The most its calls may cost the client together; null is no limit.</param>
internal sealed record JobTermsResponse(
    string BudgetMode,
    decimal Price,
    decimal CreditsPerDollar,
    long TokensPerCredit,
    decimal CreditIncrement,
    decimal MarkupPercent,
    int MaxCalls,
    decimal? MaxCostUsd)
{
    public static JobTermsResponse From(Job job) => new(
        job.BudgetMode, job.Price, job.CreditsPerDollar, job.TokensPerCredit, job.CreditIncrement, job.MarkupPercent, job.MaxCalls, job.MaxCostUsd);
}
