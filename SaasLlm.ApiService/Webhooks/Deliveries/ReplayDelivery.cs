using FastEndpoints;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Idempotency;
using SaasLlm.Core.Webhooks;

namespace SaasLlm.ApiService.Webhooks.Deliveries;

/// <summary>Sends a message again.</summary>
internal sealed class ReplayDelivery(DeliveryLog log, TimeProvider time) : Endpoint<ReplayDeliveryRequest, MessageResponse>
{
    public override void Configure()
    {
        Post("/{webhook_id}/deliveries/{message_id}/replay");
        Group<WebhooksGroup>();
        // There is no body.
        Description(d => d.Accepts<ReplayDeliveryRequest>("application/json", "*/*").ProducesProblem(403));
        Summary(s =>
        {
            s.Summary = "Sends a message again";
            s.Description = "Its delivery begins anew, whatever became of it, with the same `webhook-id` and body. One that waits for its next try is tried now, "
                + "with the tries it has left; one that is being tried goes on as it does.";
            s.ExampleRequest = new(WebhookResponse.Example.WebhookId, DeliveryResponse.Example.MessageId);
            s.ResponseExamples[200] = new MessageResponse(DeliveryResponse.Example.MessageId);
        });
    }

    public override async Task HandleAsync(ReplayDeliveryRequest request, CancellationToken ct)
    {
        var caller = HttpContext.GetCaller();
        if (OwnWebhooks.RefuseChange(caller) is { } refused)
        {
            await Send.FailureAsync(refused);
            return;
        }

        var replayed = await log.ReplayAsync(request.WebhookId, caller.Team?.TeamId, request.MessageId, HttpContext.GetWork(time), ct);
        await replayed.Match(
            _ => Send.OkAsync(new MessageResponse(request.MessageId), ct),
            failure => Send.FailureAsync(failure));
    }
}

internal sealed record ReplayDeliveryRequest([property: RouteParam] Guid WebhookId, [property: RouteParam] Guid MessageId);

/// <summary>A message that will be sent.</summary>
/// <param name="MessageId">Its <c>webhook-id</c>.</param>
internal sealed record MessageResponse(Guid MessageId);
