using FastEndpoints;
using SaasLlm.Core.Usage;

namespace SaasLlm.ApiService.Usage;

/// <summary>What everybody used, what it cost and what it brought.</summary>
internal sealed class GetUsage(UsageReader usage, TimeProvider time) : Endpoint<GetUsageRequest, UsageResponse>
{
    public override void Configure()
    {
        Get("");
        Group<UsageOperatorGroup>();
        Summary(s =>
        {
            s.Summary = "Reads everybody's usage, cost, revenue and margin";
            s.Description = "`provider_cost_usd` is what the operator pays, `total_cost_usd` that with markup, and `margin_usd` what lies between: what the markup "
                + "would bring if every job were charged. `revenue_usd` is what customers had paid for the credits used, by the `cost_basis_usd` of the lots that were "
                + "burned, net of refunds; `unpriced_credits` are those of lots that have none; `profit_usd` is revenue less provider cost.";
            UsageRequests.Describe(s.Params, UsageDimension.All);
            s.ResponseExamples[200] = UsageResponse.OperatorExample with { Id = null };
        });
    }

    public override Task HandleAsync(GetUsageRequest request, CancellationToken ct)
        => Send.UsageAsync(request, id: null, request.ToQuery(time, teams: null), isOperator: true, usage, time, ct);
}

internal sealed record GetUsageRequest(
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

internal sealed class GetUsageValidator : Validator<GetUsageRequest>
{
    public GetUsageValidator(TimeProvider time) => this.IsUsage(UsageDimension.All, time);
}
