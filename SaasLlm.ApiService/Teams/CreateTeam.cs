using System.Text.Json;
using FastEndpoints;
using FluentValidation;
using SaasLlm.ApiService.Platform;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Idempotency;
using SaasLlm.ApiService.Platform.Json;
using SaasLlm.Core.Common;
using SaasLlm.Core.Teams;

namespace SaasLlm.ApiService.Teams;

/// <summary>Makes a team with its account and its first key.</summary>
internal sealed class CreateTeam(TeamCreator teams, TimeProvider time) : Endpoint<CreateTeamRequest, CreateTeamResponse>
{
    public override void Configure()
    {
        Post("/create");
        Group<TeamsOperatorGroup>();
        Description(d => d.ProducesProblem(404).ProducesProblem(409));
        Summary(s =>
        {
            s.Summary = "Makes a team with credits and a key";
            s.Description = "`virtual_key` is shown in this answer and never again. An id that exists is 409 `team.exists`; "
                + "an organization or group that is not there is 404, and nothing is made.";
            s.ExampleRequest = new(
                "org_acme", "team_hr", "HR", ["ResumeAgent", "ParsingAgent"], 100, JsonElement.Parse("""{"department": "HR"}"""), LimitsBody.Example);
            s.ResponseExamples[200] = new CreateTeamResponse(
                "team_hr", "org_acme", "HR", ["ParsingAgent", "ResumeAgent"], 100, 100, Guid.Empty, "sk-…", CreateTeamResponse.KeepTheKey);
        });
    }

    public override async Task HandleAsync(CreateTeamRequest request, CancellationToken ct)
    {
        var created = await teams.CreateAsync(
            new(
                request.OrganizationId!,
                request.TeamId,
                request.TeamAlias ?? request.TeamId ?? "",
                request.ModelGroups ?? [],
                request.CreditsAllocated ?? 0,
                MetadataRules.Text(request.Metadata),
                request.Limits?.ToLimits() ?? default),
            ct,
            HttpContext.GetWork(time));
        await created.Match(
            team => Send.OkAsync(CreateTeamResponse.From(team), ct),
            failure => Send.FailureAsync(failure));
    }
}

/// <param name="TeamId">Generated where it is left out.</param>
/// <param name="ModelGroups">The names of the groups the team may use.</param>
/// <param name="CreditsAllocated">Credits to begin with; 0 where it is left out.</param>
/// <param name="Limits">Of all its keys together; none where it is left out.</param>
internal sealed record CreateTeamRequest(
    string? OrganizationId, string? TeamId, string? TeamAlias, List<string>? ModelGroups, decimal? CreditsAllocated, JsonElement? Metadata, LimitsBody? Limits);

/// <param name="VirtualKey">The team's key, shown this once.</param>
internal sealed record CreateTeamResponse(
    string TeamId,
    string OrganizationId,
    string TeamAlias,
    IReadOnlyList<string> ModelGroups,
    decimal CreditsAllocated,
    decimal CreditsRemaining,
    Guid KeyId,
    string VirtualKey,
    string Message)
{
    public const string KeepTheKey = "Team created. Keep the virtual key: it is not shown again.";

    public static CreateTeamResponse From(CreatedTeam created)
    {
        var (team, account, groups, _) = created.Details;
        return new(
            team.TeamId, team.OrganizationId, team.TeamAlias, groups, account.Allocated, account.Allocated - account.Used,
            created.KeyId, created.VirtualKey, KeepTheKey);
    }
}

internal sealed class CreateTeamValidator : Validator<CreateTeamRequest>
{
    public CreateTeamValidator()
    {
        RuleFor(r => r.OrganizationId).Must(Names.IsTenantId).WithMessage("must match ^[A-Za-z0-9_-]{1,64}$");
        RuleFor(r => r.TeamId).Must(id => id is null || Names.IsTenantId(id)).WithMessage("must match ^[A-Za-z0-9_-]{1,64}$");
        RuleFor(r => r.TeamAlias).IsLine(200);
        RuleFor(r => r.ModelGroups).AreGroupNames();
        RuleFor(r => r.CreditsAllocated).InclusiveBetween(0, Money.CreditsMax);
        RuleFor(r => r.CreditsAllocated).Must(credits => credits is not { } value || Money.IsExactCredits(value))
            .WithMessage("must have at most six decimal places");
        RuleFor(r => r.Metadata).IsMetadata();
        RuleFor(r => r.Limits!).SetValidator(new LimitsRules());
    }
}
