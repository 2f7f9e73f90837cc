namespace SaasLlm.Core.Teams;

/// <summary>Finds the team a virtual key belongs to. A revoked or expired key is refused on every replica within a second.</summary>
public interface ITeamKeyAuthenticator
{
    /// <summary>The caller behind <paramref name="key"/> (plain text, <c>sk-…</c>), or null when there is none.</summary>
    ValueTask<TeamCaller?> FindAsync(string key, CancellationToken cancellation);
}

/// <summary>A team that called with one of its keys.</summary>
/// <param name="IsSuspended">A suspended team may read and end its jobs, and open nothing new.</param>
public sealed record TeamCaller(string TeamId, string OrganizationId, Guid KeyId, bool IsSuspended)
{
    /// <summary>Of the team: all its keys share them.</summary>
    public RateLimits TeamLimits { get; init; }

    /// <summary>Of the key it called with.</summary>
    public RateLimits KeyLimits { get; init; }

    /// <summary>For how many days the team keeps the bodies of its calls; null: not at all.</summary>
    public int? KeepBodiesDays { get; init; }
}
