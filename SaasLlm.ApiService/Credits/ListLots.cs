using FastEndpoints;
using FluentValidation;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Lists;
using SaasLlm.ApiService.Teams;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;

namespace SaasLlm.ApiService.Credits;

/// <summary>Lists the lots that a team's credits came in.</summary>
internal sealed class ListLots(LotReader lots) : Endpoint<ListLotsRequest, PageResponse<LotResponse>>
{
    public override void Configure()
    {
        Get("/lots");
        Group<OwnCreditsGroup>();
        Summary(s =>
        {
            s.Summary = "Lists a team's lots";
            s.Description = "Credits that were granted together. With `open=true`, those of which something remains, in the order they burn: "
                + "by priority (0 first), then earliest expiry, then oldest.";
            s.Params["open"] = "true: something remains; false: nothing does.";
            s.Params["source"] = "allocation, purchase, promotion, subscription or adjustment";
            s.Params["sort"] = "-lot_id (newest first), lot_id, or, with open=true, burn_order; left out, it is burn_order with open=true, else -lot_id.";
            s.ResponseExamples[200] = new PageResponse<LotResponse>([LotResponse.Example], null);
        });
    }

    public override async Task HandleAsync(ListLotsRequest request, CancellationToken ct)
    {
        var caller = HttpContext.GetCaller();
        if (OwnTeam.Refuse(caller, request.TeamId) is { } refused)
        {
            await Send.FailureAsync(refused);
            return;
        }

        var query = request.ToQuery(descendingByDefault: true);
        var listed = request.IsInBurnOrder
            ? await lots.ListInBurnOrderAsync(request.TeamId, request.Source, query, ct)
            : await lots.ListAsync(request.TeamId, new(request.Open, request.Source), query, ct);
        await listed.Match(
            page => Send.OkAsync(PageResponse.Of(page, lot => LotResponse.From(lot, caller)), ct),
            failure => Send.FailureAsync(failure));
    }
}

internal sealed record ListLotsRequest(
    [property: RouteParam] string TeamId,
    [property: QueryParam] bool? Open,
    [property: QueryParam] string? Source,
    [property: QueryParam] int? Limit,
    [property: QueryParam] string? Cursor,
    [property: QueryParam] string? Sort) : IPageRequest
{
    public const string BurnOrder = "burn_order";

    internal bool IsInBurnOrder => Sort is BurnOrder || (Sort is null && Open is true);
}

internal sealed class ListLotsValidator : Validator<ListLotsRequest>
{
    public ListLotsValidator()
    {
        RuleFor(r => r.Limit).InclusiveBetween(1, PageQuery.LimitMax);
        RuleFor(r => r.Sort).Must(sort => sort is null or "lot_id" or "-lot_id" or ListLotsRequest.BurnOrder)
            .WithMessage("must be lot_id, -lot_id or burn_order");
        RuleFor(r => r.Sort).Must((request, sort) => sort is not ListLotsRequest.BurnOrder || request.Open is true)
            .WithMessage("burn_order needs open=true");
        RuleFor(r => r.Source).Must(source => source is null || LotSource.All.Contains(source))
            .WithMessage($"must be one of {string.Join(", ", LotSource.All)}");
        RuleFor(r => r.Cursor).Must(IsOfThisList).WithMessage("is not a cursor of this list");
    }

    private static bool IsOfThisList(ListLotsRequest request, string? cursor)
        => cursor is null
           || (Cursor.TryDecode(cursor, out var key) && (request.IsInBurnOrder ? BurnPlace.TryParse(key, out _) : Guid.TryParse(key, out _)));
}
