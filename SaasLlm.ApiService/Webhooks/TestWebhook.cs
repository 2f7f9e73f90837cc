using FastEndpoints;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Idempotency;
using SaasLlm.ApiService.Webhooks.Deliveries;
using SaasLlm.Core.Webhooks;

namespace SaasLlm.ApiService.Webhooks;

/// <summary>Sends an event to try a webhook out.</summary>
internal sealed class TestWebhook(DeliveryLog log, TimeProvider time) : Endpoint<TestWebhookRequest, MessageResponse>
{
    public override void Configure()
    {
        Post("/{webhook_id}/test");
        Group<WebhooksGroup>();
        // There is no body.
        Description(d => d.Accepts<TestWebhookRequest>("application/json", "*/*").ProducesProblem(403));
        Summary(s =>
        {
            s.Summary = "Sends a test event";
            s.Description = "A `webhook.test` goes to this webhook alone, whatever events it asks for, and by the same way as all others: "
                + "read at `/deliveries/{message_id}` what became of it.";
            s.ExampleRequest = new(WebhookResponse.Example.WebhookId);
            s.ResponseExamples[200] = new MessageResponse(DeliveryResponse.Example.MessageId);
        });
    }

    public override async Task HandleAsync(TestWebhookRequest request, CancellationToken ct)
    {
        var caller = HttpContext.GetCaller();
        if (OwnWebhooks.RefuseChange(caller) is { } refused)
        {
            await Send.FailureAsync(refused);
            return;
        }

        var sent = await log.SendTestAsync(request.WebhookId, caller.Team?.TeamId, HttpContext.GetWork(time), ct);
        await sent.Match(
            message => Send.OkAsync(new MessageResponse(message), ct),
            failure => Send.FailureAsync(failure));
    }
}

internal sealed record TestWebhookRequest([property: RouteParam] Guid WebhookId);
