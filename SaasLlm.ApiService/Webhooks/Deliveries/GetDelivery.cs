using FastEndpoints;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.Core.Webhooks;

namespace SaasLlm.ApiService.Webhooks.Deliveries;

/// <summary>Reads a message's way to a webhook, try by try.</summary>
internal sealed class GetDelivery(DeliveryLog log) : Endpoint<GetDeliveryRequest, LoggedDeliveryResponse>
{
    public override void Configure()
    {
        Get("/{webhook_id}/deliveries/{message_id}");
        Group<WebhooksGroup>();
        Summary(s =>
        {
            s.Summary = "Reads a delivery with its tries";
            s.ResponseExamples[200] = LoggedDeliveryResponse.Example;
        });
    }

    public override async Task HandleAsync(GetDeliveryRequest request, CancellationToken ct)
    {
        var found = await log.FindAsync(request.WebhookId, HttpContext.GetCaller().Team?.TeamId, request.MessageId, ct);
        await found.Match(
            logged => Send.OkAsync(LoggedDeliveryResponse.From(logged), ct),
            failure => Send.FailureAsync(failure));
    }
}

internal sealed record GetDeliveryRequest([property: RouteParam] Guid WebhookId, [property: RouteParam] Guid MessageId);
