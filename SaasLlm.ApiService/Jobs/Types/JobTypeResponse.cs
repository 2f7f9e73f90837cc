using SaasLlm.Core.Jobs;

namespace SaasLlm.ApiService.Jobs.Types;

/// <summary>What jobs of a type get; null is as for all.</summary>
/// <param name="Price">Credits, in <c>job_based</c> teams.</param>
/// <param name="LifetimeSeconds">From opening to expiry.</param>
/// <param name="MaxCostUsd">The most a job's calls may cost the client together.</param>
internal sealed record JobTypeResponse(
    string Name,
    string Description,
    decimal? Price,
    int? LifetimeSeconds,
    int? MaxCalls,
    decimal? MaxCostUsd,
    DateTimeOffset CreatedAt,
    DateTimeOffset UpdatedAt)
{
    public static readonly JobTypeResponse Example = new(
        "resume_analysis", "Reads and scores a resume", 2.5m, 900, 20, 0.5m,
        new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero), new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero));

    public static JobTypeResponse From(JobType type) => new(
        type.Name, type.Description, type.Price, type.LifetimeSeconds, type.MaxCalls, type.MaxCostUsd, type.CreatedAt, type.UpdatedAt);
}
