namespace SaasLlm.Core.Jobs;

/// <summary>What jobs of a type get that is not as for all; null is as for all. A job keeps what it opened with.</summary>
public sealed class JobType
{
    /// <summary>Matches <c>^[A-Za-z0-9._-]{1,64}$</c>.</summary>
    public required string Name { get; init; }

    public string Description { get; set; } = "";

    /// <summary>Credits, in <c>job_based</c> teams.</summary>
    public decimal? Price { get; set; }

    /// <summary>From opening to expiry.</summary>
    public int? LifetimeSeconds { get; set; }

    public int? MaxCalls { get; set; }

    /// <summary>The most the job's calls may cost the client together, in USD.</summary>
    public decimal? MaxCostUsd { get; set; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; set; }
}
