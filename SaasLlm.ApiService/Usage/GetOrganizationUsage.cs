using FastEndpoints;
using SaasLlm.ApiService.Organizations;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.Core.Usage;

namespace SaasLlm.ApiService.Usage;

/// <summary>What an organization used, all its teams together.</summary>
internal sealed class GetOrganizationUsage(UsageReader usage, TimeProvider time) : Endpoint<GetOrganizationUsageRequest, UsageResponse>
{
    public override void Configure()
    {
        Get("/{organization_id}/usage");
        Group<OrganizationsGroup>();
        Description(d => d.ProducesProblem(404));
        Summary(s =>
        {
            s.Summary = "Reads an organization's usage";
            s.Description = "Of a month, or of the hours from `from` until `until`; with `group_by` also by what is named there.";
            UsageRequests.Describe(s.Params, UsageDimension.All);
            s.ResponseExamples[200] = UsageResponse.OperatorExample with { Id = "org_acme" };
        });
    }

    public override async Task HandleAsync(GetOrganizationUsageRequest request, CancellationToken ct)
    {
        if (!(await usage.TeamsOfAsync(request.OrganizationId, ct)).TryGet(out var teams, out var unknown))
        {
            await Send.FailureAsync(unknown);
            return;
        }

        await Send.UsageAsync(request, request.OrganizationId, request.ToQuery(time, teams), isOperator: true, usage, time, ct);
    }
}

internal sealed record GetOrganizationUsageRequest(
    [property: RouteParam] string OrganizationId,
    [property: QueryParam] string? Period = null,
    [property: QueryParam] string? From = null,
    [property: QueryParam] string? Until = null,
    [property: QueryParam] string? GroupBy = null,
    [property: QueryParam] string? ModelGroup = null,
    [property: QueryParam] string? JobType = null,
    [property: QueryParam] string? UserId = null,
    [property: QueryParam] int? Limit = null,
    [property: QueryParam] string? Cursor = null,
    [property: QueryParam] string? Format = null) : IUsageRequest;

internal sealed class GetOrganizationUsageValidator : Validator<GetOrganizationUsageRequest>
{
    public GetOrganizationUsageValidator(TimeProvider time) => this.IsUsage(UsageDimension.All, time);
}
