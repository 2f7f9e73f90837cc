using FastEndpoints;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.Core.Common;
using SaasLlm.Core.Teams;

namespace SaasLlm.ApiService.Webhooks;

/// <summary>A team's own webhooks; the operator acts for any team and organization.</summary>
internal sealed class WebhooksGroup : Group
{
    public WebhooksGroup() => Configure("/api/webhooks", endpoint =>
    {
        endpoint.Policies(Policies.TeamOrOperator);
        endpoint.Description(d => d.WithTags("Webhooks").ProducesProblem(401).ProducesProblem(404).ProducesProblem(422).ProducesProblem(503));
    });
}

/// <summary>The one place that says what a team's key may do to webhooks: its own, and while the team is suspended only read and stop them.</summary>
internal static class OwnWebhooks
{
    /// <summary>403 for a change while suspended; null where the caller may go on.</summary>
    public static Failure? RefuseChange(Caller caller) => caller.Team is { IsSuspended: true } ? TeamService.Suspended : null;
}
