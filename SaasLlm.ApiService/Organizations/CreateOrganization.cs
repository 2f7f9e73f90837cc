using System.Text.Json;
using FastEndpoints;
using FluentValidation;
using SaasLlm.ApiService.Platform;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Idempotency;
using SaasLlm.ApiService.Platform.Json;
using SaasLlm.Core.Common;
using SaasLlm.Core.Organizations;

namespace SaasLlm.ApiService.Organizations;

/// <summary>Makes an organization.</summary>
internal sealed class CreateOrganization(OrganizationService organizations, TimeProvider time) : Endpoint<CreateOrganizationRequest, OrganizationResponse>
{
    public override void Configure()
    {
        Post("/create");
        Group<OrganizationsGroup>();
        Description(d => d.ProducesProblem(409));
        Summary(s =>
        {
            s.Summary = "Makes an organization";
            s.Description = "Without `organization_id` one is generated. An id that exists is 409 `organization.exists`.";
            s.ExampleRequest = new("org_acme", "ACME Corporation", OrganizationResponse.Example.Metadata);
            s.ResponseExamples[200] = OrganizationResponse.Example;
        });
    }

    public override async Task HandleAsync(CreateOrganizationRequest request, CancellationToken ct)
    {
        var created = await organizations.CreateAsync(
            new(request.OrganizationId, request.Name!, MetadataRules.Text(request.Metadata)), ct, HttpContext.GetWork(time));
        await created.Match(
            organization => Send.OkAsync(OrganizationResponse.From(organization), ct),
            failure => Send.FailureAsync(failure));
    }
}

internal sealed record CreateOrganizationRequest(string? OrganizationId, string? Name, JsonElement? Metadata);

internal sealed class CreateOrganizationValidator : Validator<CreateOrganizationRequest>
{
    public CreateOrganizationValidator()
    {
        RuleFor(r => r.OrganizationId).Must(id => id is null || Names.IsTenantId(id)).WithMessage("must match ^[A-Za-z0-9_-]{1,64}$");
        RuleFor(r => r.Name).NotNull().IsLine(200);
        RuleFor(r => r.Metadata).IsMetadata();
    }
}
