namespace SaasLlm.Core.Usage;

/// <summary>Whose usage, of which whole hours, by what.</summary>
/// <param name="From">The beginning of an hour.</param>
/// <param name="Until">The beginning of an hour, exclusive.</param>
/// <param name="GroupBy">Of <see cref="UsageDimension"/>, in the order of the rows; empty: one row.</param>
public sealed record UsageQuery(DateTimeOffset From, DateTimeOffset Until, IReadOnlyList<string> GroupBy)
{
    /// <summary>Only these teams'; null is everybody's.</summary>
    public IReadOnlyList<string>? Teams { get; init; }

    /// <summary>Only calls of this group; jobs and credits are of none.</summary>
    public string? ModelGroup { get; init; }

    /// <summary>Only jobs of this type, their calls and credits.</summary>
    public string? JobType { get; init; }

    /// <summary>Only this end user's.</summary>
    public string? UserId { get; init; }

    /// <summary>Rows that hold calls only: neither a job nor its credits belong to one group or one model.</summary>
    public bool IsOfCalls
        => ModelGroup is not null || (!KeepsAll && (GroupBy.Contains(UsageDimension.ModelGroup) || GroupBy.Contains(UsageDimension.Model)));

    /// <summary>Rows of no group and no model stay: those of jobs and credits.</summary>
    internal bool KeepsAll { get; init; }

    internal bool IsPerUser => UserId is not null || GroupBy.Contains(UsageDimension.User);

    internal string Coarsest => GroupBy.Contains(UsageDimension.Hour) ? UsageGrain.Hour : GroupBy.Contains(UsageDimension.Day) ? UsageGrain.Day : UsageGrain.Month;
}

/// <summary>What usage can be grouped by, as written in requests.</summary>
public static class UsageDimension
{
    public const string Team = "team";
    public const string ModelGroup = "model_group";
    public const string JobType = "job_type";
    public const string User = "user";
    public const string Hour = UsageGrain.Hour;
    public const string Day = UsageGrain.Day;
    public const string Month = UsageGrain.Month;

    /// <summary>The operator's to know, and not by end user.</summary>
    public const string Model = "model";

    public static IReadOnlyList<string> OfTenants { get; } = [Team, ModelGroup, JobType, User, Hour, Day, Month];

    public static IReadOnlyList<string> All { get; } = [.. OfTenants, Model];

    /// <summary>Hours, days or months: at most one of them makes sense.</summary>
    public static bool IsTime(string dimension) => dimension is Hour or Day or Month;

    // Text, so that rows sort and go on by it: UTC as RFC 3339 sorts by time.
    internal static string Sql(string dimension) => dimension switch
    {
        Team => "team_id",
        ModelGroup => "model_group",
        JobType => "job_type",
        User => "user_id",
        Model => "model",
        _ => $"""to_char(date_trunc('{dimension}', bucket AT TIME ZONE 'utc'), 'YYYY-MM-DD"T"HH24:MI:SS"Z"')""",
    };
}

/// <summary>A row of a report.</summary>
/// <param name="Keys">The values of what it is grouped by, in that order; empty where there is none (no user, no model).</param>
public sealed record UsageRow(IReadOnlyList<string> Keys, UsageMeasures Measures);

/// <summary>What was used. Sums of calls and jobs by when they ended, and of ledger entries; open jobs by when they were opened.</summary>
/// <param name="CallsUnknownCost">
/// Of all calls, those that may have cost more than is counted. A call whose process died is none of the calls: its attempts are among those of
/// <see cref="UnmeasuredReader"/>.
/// </param>
/// <param name="ClientCostUsd">With markup.</param>
/// <param name="ProviderCostUsd">What the operator pays, as far as known: of a call that is not wholly known, the least it cost.</param>
/// <param name="CreditsUnpriced">Of the credits charged less those refunded: those of lots that nobody knows the price of.</param>
/// <param name="RevenueUsd">What the customer had paid for the credits that were charged, less those refunded.</param>
public sealed record UsageMeasures(
    long JobsCompleted, long JobsFailed, long JobsCancelled, long JobsExpired, long CallsSucceeded, long CallsFailed, long CallsUnknownCost,
    long InputTokens, long CachedInputTokens, long OutputTokens, long ReasoningTokens, long LatencyMsSum, decimal ClientCostUsd, decimal ProviderCostUsd,
    decimal CreditsCharged, decimal CreditsRefunded, decimal CreditsUnpriced, decimal RevenueUsd, long JobsPending, long JobsInProgress)
{
    public static readonly UsageMeasures Zero = new(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

    public long Calls => CallsSucceeded + CallsFailed;

    public long Jobs => JobsCompleted + JobsFailed + JobsCancelled + JobsExpired + JobsPending + JobsInProgress;

    public long Tokens => InputTokens + OutputTokens;

    /// <summary>Deductions less refunds.</summary>
    public decimal CreditsUsed => CreditsCharged - CreditsRefunded;

    public static UsageMeasures operator +(UsageMeasures a, UsageMeasures b) => new(
        a.JobsCompleted + b.JobsCompleted, a.JobsFailed + b.JobsFailed, a.JobsCancelled + b.JobsCancelled, a.JobsExpired + b.JobsExpired,
        a.CallsSucceeded + b.CallsSucceeded, a.CallsFailed + b.CallsFailed, a.CallsUnknownCost + b.CallsUnknownCost,
        a.InputTokens + b.InputTokens, a.CachedInputTokens + b.CachedInputTokens, a.OutputTokens + b.OutputTokens,
        a.ReasoningTokens + b.ReasoningTokens, a.LatencyMsSum + b.LatencyMsSum, a.ClientCostUsd + b.ClientCostUsd,
        a.ProviderCostUsd + b.ProviderCostUsd, a.CreditsCharged + b.CreditsCharged, a.CreditsRefunded + b.CreditsRefunded,
        a.CreditsUnpriced + b.CreditsUnpriced, a.RevenueUsd + b.RevenueUsd, a.JobsPending + b.JobsPending, a.JobsInProgress + b.JobsInProgress);
}
