using FastEndpoints;
using FluentValidation;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Idempotency;
using SaasLlm.Core.Webhooks;

namespace SaasLlm.ApiService.Webhooks;

/// <summary>Puts a new secret in the place of the old one, which signs a while longer.</summary>
internal sealed class RotateWebhookSecret(WebhookService webhooks, TimeProvider time) : Endpoint<RotateWebhookSecretRequest, IssuedWebhookResponse>
{
    private const int OverlapSecondsDefault = 24 * 3600;

    public override void Configure()
    {
        Post("/{webhook_id}/rotate-secret");
        Group<WebhooksGroup>();
        // The body may be left out.
        Description(d => d.Accepts<RotateWebhookSecretRequest>("application/json", "*/*").ProducesProblem(403).ProducesProblem(409));
        Summary(s =>
        {
            s.Summary = "Replaces a webhook's secret, with an overlap";
            s.Description = "`secret` is shown in this answer and never again. For `overlap_seconds` (a day where it is left out, at most 30) deliveries "
                + "bear the signatures of both, so the receiver may change over in its own time. While an overlap runs another rotation is 409 `webhook.rotation_running`; "
                + "with `overlap_seconds` 0 it is made all the same, and no old secret signs any more.";
            s.ExampleRequest = new(WebhookResponse.Example.WebhookId, OverlapSecondsDefault);
            s.ResponseExamples[200] = IssuedWebhookResponse.Example;
        });
    }

    public override async Task HandleAsync(RotateWebhookSecretRequest request, CancellationToken ct)
    {
        var caller = HttpContext.GetCaller();
        if (OwnWebhooks.RefuseChange(caller) is { } refused)
        {
            await Send.FailureAsync(refused);
            return;
        }

        var overlap = TimeSpan.FromSeconds(request.OverlapSeconds ?? OverlapSecondsDefault);
        var rotated = await webhooks.RotateSecretAsync(request.WebhookId, caller.Team?.TeamId, overlap, HttpContext.GetWork(time), ct);
        await rotated.Match(
            issued => Send.OkAsync(IssuedWebhookResponse.From(issued), ct),
            failure => Send.FailureAsync(failure));
    }
}

/// <param name="OverlapSeconds">0 to 30 days.</param>
internal sealed record RotateWebhookSecretRequest([property: RouteParam] Guid WebhookId, int? OverlapSeconds);

internal sealed class RotateWebhookSecretValidator : Validator<RotateWebhookSecretRequest>
{
    public RotateWebhookSecretValidator() => RuleFor(r => r.OverlapSeconds).InclusiveBetween(0, 30 * 24 * 3600);
}
