using FastEndpoints;
using FluentValidation;
using SaasLlm.ApiService.Platform;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Idempotency;
using SaasLlm.Core.Common;
using SaasLlm.Core.Teams;
using SaasLlm.Core.Webhooks;

namespace SaasLlm.ApiService.Webhooks;

/// <summary>Makes a webhook.</summary>
internal sealed class RegisterWebhook(WebhookService webhooks, WebhookAddresses addresses, TimeProvider time)
    : Endpoint<RegisterWebhookRequest, IssuedWebhookResponse>
{
    public override void Configure()
    {
        Post("/register");
        Group<WebhooksGroup>();
        Description(d => d.ProducesProblem(403).ProducesProblem(409));
        Summary(s =>
        {
            s.Summary = "Registers a webhook";
            s.Description = "Events are sent to `url` as POSTs signed by the Standard Webhooks specification. `secret` is shown in this answer and never again. "
                + "`events` names events or areas (`job.*`); left out or empty it is all but those that must be asked for by name. "
                + "With a team's key it is that team's; the operator names `team_id`, or `organization_id` alone for the events of all its teams. "
                + "A URL that is not https, or names an address that is not public, is 422. More than 20 a team (and as many of the organization's own) are 409.";
            s.ExampleRequest = new(null, "team_hr", "https://app.example.com/hooks/saasllm", ["job.completed", "credits.*"], "Production");
            s.ResponseExamples[200] = IssuedWebhookResponse.Example;
        });
    }

    public override async Task HandleAsync(RegisterWebhookRequest request, CancellationToken ct)
    {
        var caller = HttpContext.GetCaller();
        if (RefusalOf(request, caller) is { } refused)
        {
            await Send.FailureAsync(refused);
            return;
        }

        var team = caller.Team?.TeamId ?? request.TeamId;
        if (team is null && request.OrganizationId is null)
        {
            ThrowError(r => r.TeamId, "name a team, or an organization for the events of all its teams");
        }

        if (addresses.Refuse(request.Url!) is { } wrong)
        {
            ThrowError(r => r.Url, wrong);
        }

        var made = await webhooks.RegisterAsync(
            new(request.OrganizationId, team, request.Url!, [.. request.Events ?? []], request.Description ?? ""), HttpContext.GetWork(time), ct);
        await made.Match(
            issued => Send.OkAsync(IssuedWebhookResponse.From(issued), ct),
            failure => Send.FailureAsync(failure));
    }

    private static Failure? RefusalOf(RegisterWebhookRequest request, Caller caller)
        => request.TeamId is not null && !caller.MayActFor(request.TeamId) ? TeamService.NotFound
            : OwnWebhooks.RefuseChange(caller);
}

/// <param name="OrganizationId">Where no team is named, for the events of all the organization's teams; for the operator.</param>
/// <param name="Events">Names or <c>area.*</c>.</param>
internal sealed record RegisterWebhookRequest(string? OrganizationId, string? TeamId, string? Url, List<string>? Events, string? Description);

internal sealed class RegisterWebhookValidator : Validator<RegisterWebhookRequest>
{
    public RegisterWebhookValidator()
    {
        RuleFor(r => r.OrganizationId).Must(id => id is null || Names.IsTenantId(id)).WithMessage("must match ^[A-Za-z0-9_-]{1,64}$");
        RuleFor(r => r.TeamId).Must(id => id is null || Names.IsTenantId(id)).WithMessage("must match ^[A-Za-z0-9_-]{1,64}$");
        RuleFor(r => r.Url).NotEmpty();
        RuleFor(r => r.Events).AreEventFilters();
        RuleFor(r => r.Description).IsLine(WebhookRules.DescriptionMax);
    }
}
