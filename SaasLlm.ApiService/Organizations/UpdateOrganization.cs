using System.Text.Json;
using FastEndpoints;
using SaasLlm.ApiService.Platform;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Json;
using SaasLlm.Core.Organizations;

namespace SaasLlm.ApiService.Organizations;

/// <summary>Changes an organization's name or metadata.</summary>
internal sealed class UpdateOrganization(OrganizationService organizations) : Endpoint<UpdateOrganizationRequest, OrganizationResponse>
{
    public override void Configure()
    {
        Put("/{organization_id}");
        Group<OrganizationsGroup>();
        Description(d => d.ProducesProblem(404));
        Summary(s =>
        {
            s.Summary = "Changes an organization";
            s.Description = "What is left out stays as it is; `metadata` is replaced as a whole.";
            s.ExampleRequest = new("org_acme", "ACME Corporation", OrganizationResponse.Example.Metadata);
            s.ResponseExamples[200] = OrganizationResponse.Example;
        });
    }

    public override async Task HandleAsync(UpdateOrganizationRequest request, CancellationToken ct)
    {
        var metadata = request.Metadata is { ValueKind: JsonValueKind.Object } ? MetadataRules.Text(request.Metadata) : null;
        var updated = await organizations.UpdateAsync(request.OrganizationId, request.Name, metadata, ct);
        await updated.Match(
            organization => Send.OkAsync(OrganizationResponse.From(organization), ct),
            failure => Send.FailureAsync(failure));
    }
}

internal sealed record UpdateOrganizationRequest([property: RouteParam] string OrganizationId, string? Name, JsonElement? Metadata);

internal sealed class UpdateOrganizationValidator : Validator<UpdateOrganizationRequest>
{
    public UpdateOrganizationValidator()
    {
        RuleFor(r => r.Name).IsLine(200);
        RuleFor(r => r.Metadata).IsMetadata();
    }
}
