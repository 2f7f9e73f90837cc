namespace SaasLlm.Core.Credits.Reconciliation;

/// <summary>A <see cref="Difference"/> inside Postgres that stands. The row goes when its team is checked again and it is no longer there.</summary>
public sealed class ReconciliationDifference
{
    /// <summary>A UUIDv7: ids are in the order in which differences were first seen.</summary>
    public required Guid DifferenceId { get; init; }

    public required string TeamId { get; init; }

    /// <summary>One of <see cref="DifferenceKind.InPostgres"/>.</summary>
    public required string Kind { get; init; }

    /// <summary>A sequence, a lot, a job; empty for the account itself.</summary>
    public required string Subject { get; init; }

    public decimal Expected { get; init; }

    public decimal Found { get; init; }

    public DateTimeOffset FirstSeen { get; init; }

    public DateTimeOffset LastSeen { get; init; }
}
