using System.Text.Json;
using SaasLlm.Core.Teams;

namespace SaasLlm.ApiService.Teams;

/// <param name="Status"><c>active</c> or <c>suspended</c>.</param>
/// <param name="CreditsRemaining">Allocated less used.</param>
/// <param name="CreditsAvailable">Remaining less what open jobs hold.</param>
/// <param name="KeepBodiesDays">For how many days what calls ask and are answered is kept; null: not at all.</param>
internal sealed record TeamResponse(
    string TeamId,
    string OrganizationId,
    string TeamAlias,
    string Status,
    IReadOnlyList<string> ModelGroups,
    decimal CreditsAllocated,
    decimal CreditsUsed,
    decimal CreditsHeld,
    decimal CreditsRemaining,
    decimal CreditsAvailable,
    LimitsBody Limits,
    int? KeepBodiesDays,
    JsonElement Metadata,
    DateTimeOffset CreatedAt,
    DateTimeOffset UpdatedAt)
{
    public static readonly TeamResponse Example = new(
        "team_hr", "org_acme", "HR", "active", ["ParsingAgent", "ResumeAgent"], 100, 12, 1, 88, 87, LimitsBody.Example, null,
        JsonElement.Parse("""{"department": "HR"}"""),
        new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero), new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero));

    public static TeamResponse From(TeamDetails details)
    {
        var (team, account, groups, _) = details;
        return new(
            team.TeamId,
            team.OrganizationId,
            team.TeamAlias,
            team.Status,
            groups,
            account.Allocated,
            account.Used,
            account.Held,
            account.Allocated - account.Used,
            account.Allocated - account.Used - account.Held,
            LimitsBody.From(team.LimitsOf()),
            team.KeepBodiesDays,
            JsonElement.Parse(team.Metadata),
            team.CreatedAt,
            team.UpdatedAt);
    }
}
