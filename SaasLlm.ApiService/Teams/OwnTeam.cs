using SaasLlm.ApiService.Platform.Access;
using SaasLlm.Core.Common;
using SaasLlm.Core.Teams;

namespace SaasLlm.ApiService.Teams;

/// <summary>The one place that says what a team's key reaches: its own team, and while that is suspended only to read.</summary>
internal static class OwnTeam
{
    /// <summary>404 for another team, 403 for a change while suspended; null where the caller may go on.</summary>
    public static Failure? Refuse(Caller caller, string teamId, bool isChange = false)
        => !caller.MayActFor(teamId) ? TeamService.NotFound
            : isChange && caller.Team is { IsSuspended: true } ? TeamService.Suspended
            : null;
}
