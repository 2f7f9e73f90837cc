using FastEndpoints;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.Core.Webhooks;

namespace SaasLlm.ApiService.Webhooks;

/// <summary>Lets a webhook's deliveries go on.</summary>
internal sealed class ResumeWebhook(WebhookService webhooks) : Endpoint<ResumeWebhookRequest, WebhookResponse>
{
    public override void Configure()
    {
        Post("/{webhook_id}/resume");
        Group<WebhooksGroup>();
        // There is no body.
        Description(d => d.Accepts<ResumeWebhookRequest>("application/json", "*/*").ProducesProblem(403));
        Summary(s =>
        {
            s.Summary = "Lets a paused or disabled webhook's deliveries go on";
            s.Description = "What waits is sent. What happened while it was `disabled` is kept as `dropped`: replay it. Resuming it again changes nothing.";
            s.ExampleRequest = new(WebhookResponse.Example.WebhookId);
            s.ResponseExamples[200] = WebhookResponse.Example;
        });
    }

    public override async Task HandleAsync(ResumeWebhookRequest request, CancellationToken ct)
    {
        var caller = HttpContext.GetCaller();
        if (OwnWebhooks.RefuseChange(caller) is { } refused)
        {
            await Send.FailureAsync(refused);
            return;
        }

        var resumed = await webhooks.SetStatusAsync(request.WebhookId, caller.Team?.TeamId, WebhookStatus.Active, ct);
        await resumed.Match(
            endpoint => Send.OkAsync(WebhookResponse.From(endpoint), ct),
            failure => Send.FailureAsync(failure));
    }
}

internal sealed record ResumeWebhookRequest([property: RouteParam] Guid WebhookId);
