using FastEndpoints;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.Core.Webhooks;

namespace SaasLlm.ApiService.Webhooks;

/// <summary>Holds a webhook's deliveries back.</summary>
internal sealed class PauseWebhook(WebhookService webhooks) : Endpoint<PauseWebhookRequest, WebhookResponse>
{
    public override void Configure()
    {
        Post("/{webhook_id}/pause");
        Group<WebhooksGroup>();
        // There is no body.
        Description(d => d.Accepts<PauseWebhookRequest>("application/json", "*/*"));
        Summary(s =>
        {
            s.Summary = "Holds a webhook's deliveries back";
            s.Description = "Events go on being collected for it, and are sent when it is resumed. Pausing it again changes nothing. "
                + "A suspended team may still pause.";
            s.ExampleRequest = new(WebhookResponse.Example.WebhookId);
            s.ResponseExamples[200] = WebhookResponse.Example with { Status = WebhookStatus.Paused };
        });
    }

    public override async Task HandleAsync(PauseWebhookRequest request, CancellationToken ct)
    {
        var paused = await webhooks.SetStatusAsync(request.WebhookId, HttpContext.GetCaller().Team?.TeamId, WebhookStatus.Paused, ct);
        await paused.Match(
            endpoint => Send.OkAsync(WebhookResponse.From(endpoint), ct),
            failure => Send.FailureAsync(failure));
    }
}

internal sealed record PauseWebhookRequest([property: RouteParam] Guid WebhookId);
