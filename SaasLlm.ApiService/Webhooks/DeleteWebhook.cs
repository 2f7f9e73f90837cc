using FastEndpoints;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.Core.Webhooks;

namespace SaasLlm.ApiService.Webhooks;

/// <summary>Deletes a webhook.</summary>
internal sealed class DeleteWebhook(WebhookService webhooks) : Endpoint<DeleteWebhookRequest>
{
    public override void Configure()
    {
        Delete("/{webhook_id}");
        Group<WebhooksGroup>();
        Summary(s =>
        {
            s.Summary = "Deletes a webhook";
            s.Description = "What waits for it is not sent any more; its deliveries cannot be read any more. A suspended team may still delete.";
        });
    }

    public override async Task HandleAsync(DeleteWebhookRequest request, CancellationToken ct)
    {
        var deleted = await webhooks.DeleteAsync(request.WebhookId, HttpContext.GetCaller().Team?.TeamId, ct);
        await deleted.Match(_ => Send.NoContentAsync(ct), failure => Send.FailureAsync(failure));
    }
}

internal sealed record DeleteWebhookRequest([property: RouteParam] Guid WebhookId);
