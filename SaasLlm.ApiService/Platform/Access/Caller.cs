using SaasLlm.Core.Teams;

namespace SaasLlm.ApiService.Platform.Access;

/// <summary>Who sent the request: the operator, or a team with one of its keys.</summary>
internal sealed class Caller
{
    public static readonly Caller Operator = new(null);

    private Caller(TeamCaller? team) => Team = team;

    /// <summary>The team that called; null for the operator.</summary>
    public TeamCaller? Team { get; }

    public bool IsOperator => Team is null;

    public static Caller Of(TeamCaller team) => new(team);

    /// <summary>True for the operator and for the team itself. Where it is false, answer 404: a foreign id is not there.</summary>
    public bool MayActFor(string teamId) => Team is null || string.Equals(Team.TeamId, teamId, StringComparison.Ordinal);

    /// <summary>True for the operator and for the organization's teams.</summary>
    public bool MayReadOrganization(string organizationId)
        => Team is null || string.Equals(Team.OrganizationId, organizationId, StringComparison.Ordinal);
}

internal static class CallerExtensions
{
    /// <summary>The authenticated caller. Throws on a route that allows anybody: such a route has no caller to ask for.</summary>
    public static Caller GetCaller(this HttpContext context)
        => context.Features.Get<Caller>() ?? throw new InvalidOperationException("This route does not authenticate its caller.");
}
