using FastEndpoints;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.Core.Webhooks;

namespace SaasLlm.ApiService.Webhooks;

/// <summary>Reads a webhook.</summary>
internal sealed class GetWebhook(WebhookService webhooks) : Endpoint<GetWebhookRequest, WebhookResponse>
{
    public override void Configure()
    {
        Get("/{webhook_id}");
        Group<WebhooksGroup>();
        Summary(s =>
        {
            s.Summary = "Reads a webhook";
            s.ResponseExamples[200] = WebhookResponse.Example;
        });
    }

    public override async Task HandleAsync(GetWebhookRequest request, CancellationToken ct)
    {
        var found = await webhooks.FindAsync(request.WebhookId, HttpContext.GetCaller().Team?.TeamId, ct);
        await found.Match(
            endpoint => Send.OkAsync(WebhookResponse.From(endpoint), ct),
            failure => Send.FailureAsync(failure));
    }
}

internal sealed record GetWebhookRequest([property: RouteParam] Guid WebhookId);
