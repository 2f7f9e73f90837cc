namespace SaasLlm.Core.Credits.Reconciliation;

/// <summary>One walk over all teams. At most one is open; JobRunner does it page by page.</summary>
public sealed class ReconciliationRun
{
    public required Guid RunId { get; init; }

    public DateTimeOffset RequestedAt { get; init; }

    /// <summary>Null: JobRunner has not come to it yet.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>Null: it has teams left.</summary>
    public DateTimeOffset? FinishedAt { get; init; }

    /// <summary>The last team that was checked.</summary>
    public string AfterTeamId { get; init; } = "";

    public long TeamsChecked { get; init; }

    /// <summary>Differences inside Postgres that it found.</summary>
    public long Differences { get; init; }

    /// <summary>Balances that were seeded anew.</summary>
    public long RedisBalancesSeeded { get; init; }

    /// <summary>Reservations that were removed because no job came of them.</summary>
    public long RedisHoldsRemoved { get; init; }

    /// <summary>Teams whose balance Redis did not show, because it did not answer.</summary>
    public long RedisTeamsSkipped { get; init; }
}
