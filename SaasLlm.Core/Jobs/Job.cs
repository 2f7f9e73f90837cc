namespace SaasLlm.Core.Jobs;

/// <summary>One business operation, with its hold in the same row. Only the ledger's writer changes it, except <see cref="Metadata"/>.</summary>
public sealed class Job
{
    public required string TeamId { get; init; }

    public required Guid JobId { get; init; }

    public required string OrganizationId { get; init; }

    public required string JobType { get; init; }

    public string? UserId { get; init; }

    public string? ExternalTaskId { get; init; }

    /// <summary>One of <see cref="JobStatus"/>.</summary>
    public string Status { get; init; } = JobStatus.Pending;

    /// <summary>A JSON object.</summary>
    public string Metadata { get; set; } = "{}";

    /// <summary>The account's mode when the job opened, as its price and markup: they do not change afterwards.</summary>
    public string BudgetMode { get; init; } = "job_based";

    /// <summary>Credits the job costs if it completes; 0 where consumption decides.</summary>
    public decimal Price { get; init; }

    public decimal CreditsPerDollar { get; init; }

    public long TokensPerCredit { get; init; }

    public decimal CreditIncrement { get; init; }

    public decimal MarkupPercent { get; init; }

    /// <summary>The version of the price book that its calls are priced by.</summary>
    public long PriceVersion { get; init; }

    public int MaxCalls { get; init; }

    /// <summary>It was submitted with its calls and takes no others.</summary>
    public bool RunsItself { get; init; }

    /// <summary>The most its calls may cost the client together, in USD; null is no limit.</summary>
    public decimal? MaxCostUsd { get; init; }

    public DateTimeOffset DeadlineAt { get; init; }

    /// <summary><c>held</c> while the job is open, then one of <c>settled</c>, <c>released</c>, <c>expired</c>.</summary>
    public string HoldState { get; init; } = "held";

    public decimal HoldAmount { get; init; }

    public decimal SettledAmount { get; init; }

    /// <summary>What was due at its end and not there to be taken.</summary>
    public decimal UncollectedCredits { get; init; }

    /// <summary>Of <see cref="SettledAmount"/>, what was given back.</summary>
    public decimal RefundedAmount { get; init; }

    /// <summary>While held, the lots of which the hold has set credits aside; once settled, those that were burned.</summary>
    public Guid[] LotIds { get; init; } = [];

    /// <summary>How much of each, in the same order.</summary>
    public decimal[] LotAmounts { get; init; } = [];

    public int StartedCalls { get; init; }

    public int SuccessfulCalls { get; init; }

    public int FailedCalls { get; init; }

    public long InputTokens { get; init; }

    public long OutputTokens { get; init; }

    public decimal ProviderCostUsd { get; init; }

    public decimal ClientCostUsd { get; init; }

    public long LatencyMsSum { get; init; }

    public string[] ModelGroupsUsed { get; init; } = [];

    public string? ErrorMessage { get; init; }

    public bool CreditApplied { get; init; }

    /// <summary>Why nothing was charged; null while open and when charged.</summary>
    public string? CreditReason { get; init; }

    /// <summary>The team's remaining credits right after the job ended.</summary>
    public decimal? CreditsRemaining { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? StartedAt { get; init; }

    public DateTimeOffset? CompletedAt { get; init; }
}
