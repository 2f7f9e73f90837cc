using FastEndpoints;
using FluentValidation;
using SaasLlm.ApiService.Platform;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.Core.Webhooks;

namespace SaasLlm.ApiService.Webhooks;

/// <summary>Changes a webhook's address, events or description.</summary>
internal sealed class UpdateWebhook(WebhookService webhooks, WebhookAddresses addresses) : Endpoint<UpdateWebhookRequest, WebhookResponse>
{
    public override void Configure()
    {
        Put("/{webhook_id}");
        Group<WebhooksGroup>();
        Description(d => d.ProducesProblem(403));
        Summary(s =>
        {
            s.Summary = "Changes a webhook";
            s.Description = "What is left out stays as it is; `events` is replaced as a whole. The next try of what waits goes to the new address.";
            s.ExampleRequest = new(WebhookResponse.Example.WebhookId, "https://app.example.com/hooks/saasllm", ["job.*"], "Production");
            s.ResponseExamples[200] = WebhookResponse.Example;
        });
    }

    public override async Task HandleAsync(UpdateWebhookRequest request, CancellationToken ct)
    {
        var caller = HttpContext.GetCaller();
        if (OwnWebhooks.RefuseChange(caller) is { } refused)
        {
            await Send.FailureAsync(refused);
            return;
        }

        if (request.Url is not null && addresses.Refuse(request.Url) is { } wrong)
        {
            ThrowError(r => r.Url, wrong);
        }

        var updated = await webhooks.UpdateAsync(
            request.WebhookId, caller.Team?.TeamId, request.Url, request.Events?.ToArray(), request.Description, ct);
        await updated.Match(
            endpoint => Send.OkAsync(WebhookResponse.From(endpoint), ct),
            failure => Send.FailureAsync(failure));
    }
}

/// <param name="Events">Names or <c>area.*</c>.</param>
internal sealed record UpdateWebhookRequest([property: RouteParam] Guid WebhookId, string? Url, List<string>? Events, string? Description);

internal sealed class UpdateWebhookValidator : Validator<UpdateWebhookRequest>
{
    public UpdateWebhookValidator()
    {
        RuleFor(r => r.Events).AreEventFilters();
        RuleFor(r => r.Description).IsLine(WebhookRules.DescriptionMax);
    }
}
