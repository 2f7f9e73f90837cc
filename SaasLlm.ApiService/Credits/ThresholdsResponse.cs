using System.Text.Json.Serialization;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;

namespace SaasLlm.ApiService.Credits;

/// <summary>Where a team's account is worth an event.</summary>
/// <param name="LowCredits">Levels of remaining credits, the highest first: <c>credits.low</c> on the way down, <c>credits.recovered</c> on the way up.</param>
/// <param name="UnchargedUsd">What a month's jobs may cost that were not charged; null is no event. The operator's to know.</param>
internal sealed record ThresholdsResponse(
    string TeamId,
    IReadOnlyList<decimal> LowCredits,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] Optional<decimal?> UnchargedUsd)
{
    public static readonly ThresholdsResponse Example = new("team_hr", [100, 20], 5m);

    public static ThresholdsResponse From(TeamCredits account, Caller caller) => new(
        account.TeamId,
        [.. account.LowThresholds.OrderDescending()],
        caller.IsOperator ? account.UnchargedThresholdUsd : default(Optional<decimal?>));
}
