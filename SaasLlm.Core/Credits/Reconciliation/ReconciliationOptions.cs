using System.ComponentModel.DataAnnotations;

namespace SaasLlm.Core.Credits.Reconciliation;

/// <summary>How often the books are held against each other, and in what portions. Section <c>Reconciliation</c>.</summary>
public sealed class ReconciliationOptions
{
    public const string Section = "Reconciliation";

    /// <summary>From the end of a run to the start of the next.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "7.00:00:00")]
    public TimeSpan RunInterval { get; set; } = TimeSpan.FromHours(1);

    /// <summary>How soon JobRunner takes up a run that was asked for.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:10:00")]
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>The most teams of one pass.</summary>
    [Range(1, 10_000)]
    public int TeamsMax { get; set; } = 200;

    /// <summary>The most transactions that a pass's teams have together; a team with more is a pass of its own.</summary>
    [Range(1, 100_000_000)]
    public long TransactionsMax { get; set; } = 200_000;

    /// <summary>The most differences that a check reports of a pass.</summary>
    [Range(1, 100_000)]
    public int DifferencesMax { get; set; } = 1000;

    /// <summary>How long one check may take: a team's whole ledger may be large.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "02:00:00")]
    public TimeSpan StatementTimeout { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>How long an account must have been at rest before a balance in Redis that lags behind is taken for a lost push.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:10:00")]
    public TimeSpan PushPatience { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>Finished runs that are kept.</summary>
    [Range(1, 10_000)]
    public int RunsKept { get; set; } = 100;
}
