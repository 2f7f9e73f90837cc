using FastEndpoints;
using FluentValidation;
using SaasLlm.ApiService.Organizations;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.Core.Usage;

namespace SaasLlm.ApiService.Usage;

/// <summary>An organization's month, all its teams together.</summary>
internal sealed class GetOrganizationUsage(UsageReader usage, TimeProvider time) : Endpoint<GetOrganizationUsageRequest, UsageResponse>
{
    public override void Configure()
    {
        Get("/{organization_id}/usage");
        Group<OrganizationsGroup>();
        Description(d => d.ProducesProblem(404));
        Summary(s =>
        {
            s.Summary = "Reads an organization's usage of a month";
            s.Params["period"] = "A month as 2026-01, UTC; this month where it is left out.";
            s.ResponseExamples[200] = UsageResponse.Example with { Id = "org_acme", ProviderCostUsd = 0.0193m, MarginUsd = 0.0038m, UnknownCostCalls = 0 };
        });
    }

    public override async Task HandleAsync(GetOrganizationUsageRequest request, CancellationToken ct)
    {
        var period = request.Period.ToPeriod(time);
        var report = await usage.OfOrganizationAsync(request.OrganizationId, period, ct);
        await report.Match(
            month => Send.OkAsync(UsageResponse.From(request.OrganizationId, period, month, isOperator: true), ct),
            failure => Send.FailureAsync(failure));
    }
}

internal sealed record GetOrganizationUsageRequest([property: RouteParam] string OrganizationId, [property: QueryParam] string? Period = null);

internal sealed class GetOrganizationUsageValidator : Validator<GetOrganizationUsageRequest>
{
    public GetOrganizationUsageValidator() => RuleFor(r => r.Period).IsPeriod();
}
