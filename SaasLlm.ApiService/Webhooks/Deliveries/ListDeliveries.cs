using FastEndpoints;
using FluentValidation;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Lists;
using SaasLlm.Core.Webhooks;

namespace SaasLlm.ApiService.Webhooks.Deliveries;

/// <summary>Lists what became of a webhook's messages.</summary>
internal sealed class ListDeliveries(DeliveryLog log) : Endpoint<ListDeliveriesRequest, PageResponse<DeliveryResponse>>
{
    public override void Configure()
    {
        Get("/{webhook_id}/deliveries");
        Group<WebhooksGroup>();
        Summary(s =>
        {
            s.Summary = "Lists a webhook's deliveries";
            s.Params["status"] = "pending, delivered, dead or dropped";
            s.Params["event"] = "Only this event, for example job.completed.";
            s.Params["from"] = "Events from this time on, for example 2026-01-31T12:00:00Z.";
            s.Params["to"] = "Events before this time.";
            s.Params["sort"] = "-message_id (newest first, where it is left out) or message_id";
            s.ResponseExamples[200] = new PageResponse<DeliveryResponse>([DeliveryResponse.Example], null);
        });
    }

    public override async Task HandleAsync(ListDeliveriesRequest request, CancellationToken ct)
    {
        var listed = await log.ListAsync(
            request.WebhookId, HttpContext.GetCaller().Team?.TeamId,
            new(request.Status, request.Event, request.From?.ToUniversalTime(), request.To?.ToUniversalTime()),
            request.ToQuery(descendingByDefault: true), ct);
        await listed.Match(page => Send.OkAsync(PageResponse.Of(page, DeliveryResponse.From), ct), failure => Send.FailureAsync(failure));
    }
}

internal sealed record ListDeliveriesRequest(
    [property: RouteParam] Guid WebhookId,
    [property: QueryParam] string? Status = null,
    [property: QueryParam] string? Event = null,
    [property: QueryParam] DateTimeOffset? From = null,
    [property: QueryParam] DateTimeOffset? To = null,
    [property: QueryParam] int? Limit = null,
    [property: QueryParam] string? Cursor = null,
    [property: QueryParam] string? Sort = null) : IPageRequest;

internal sealed class ListDeliveriesValidator : Validator<ListDeliveriesRequest>
{
    public ListDeliveriesValidator()
    {
        this.IsPage("message_id");
        RuleFor(r => r.Cursor).IsIdCursor();
        RuleFor(r => r.Event).MaximumLength(64);
        RuleFor(r => r.Status).Must(status => status is null || WebhookDeliveryState.All.Contains(status))
            .WithMessage($"must be one of {string.Join(", ", WebhookDeliveryState.All)}");
    }
}
