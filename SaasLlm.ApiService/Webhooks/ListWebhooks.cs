using FastEndpoints;
using FluentValidation;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Lists;
using SaasLlm.ApiService.Teams;
using SaasLlm.Core.Webhooks;

namespace SaasLlm.ApiService.Webhooks;

/// <summary>Lists webhooks.</summary>
internal sealed class ListWebhooks(WebhookService webhooks) : Endpoint<ListWebhooksRequest, PageResponse<WebhookResponse>>
{
    public override void Configure()
    {
        Get("");
        Group<WebhooksGroup>();
        Summary(s =>
        {
            s.Summary = "Lists webhooks";
            s.Description = "A team's key lists its own team's.";
            s.Params["organization_id"] = "Only this organization's, its teams' included.";
            s.Params["team_id"] = "Only this team's.";
            s.Params["status"] = "active, paused or disabled";
            s.Params["sort"] = "webhook_id (oldest first, where it is left out) or -webhook_id";
            s.ResponseExamples[200] = new PageResponse<WebhookResponse>([WebhookResponse.Example], null);
        });
    }

    public override async Task HandleAsync(ListWebhooksRequest request, CancellationToken ct)
    {
        var caller = HttpContext.GetCaller();
        if (request.TeamId is not null && OwnTeam.Refuse(caller, request.TeamId) is { } refused)
        {
            await Send.FailureAsync(refused);
            return;
        }

        var page = await webhooks.ListAsync(
            new(request.OrganizationId, request.TeamId ?? caller.Team?.TeamId, request.Status), request.ToQuery(), ct);
        await Send.OkAsync(PageResponse.Of(page, WebhookResponse.From), ct);
    }
}

internal sealed record ListWebhooksRequest(
    [property: QueryParam] string? OrganizationId,
    [property: QueryParam] string? TeamId,
    [property: QueryParam] string? Status,
    [property: QueryParam] int? Limit,
    [property: QueryParam] string? Cursor,
    [property: QueryParam] string? Sort) : IPageRequest;

internal sealed class ListWebhooksValidator : Validator<ListWebhooksRequest>
{
    public ListWebhooksValidator()
    {
        this.IsPage("webhook_id");
        RuleFor(r => r.Cursor).IsIdCursor();
        RuleFor(r => r.Status).Must(status => status is null or WebhookStatus.Active or WebhookStatus.Paused or WebhookStatus.Disabled)
            .WithMessage("must be active, paused or disabled");
    }
}
