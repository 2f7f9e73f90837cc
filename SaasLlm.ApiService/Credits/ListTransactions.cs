using FastEndpoints;
using FluentValidation;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Lists;
using SaasLlm.ApiService.Teams;
using SaasLlm.Core.Credits;

namespace SaasLlm.ApiService.Credits;

/// <summary>Lists a team's ledger entries, newest first.</summary>
internal sealed class ListTransactions(TransactionReader transactions)
    : Endpoint<ListTransactionsRequest, PageResponse<TransactionResponse>>
{
    public override void Configure()
    {
        Get("/transactions");
        Group<OwnCreditsGroup>();
        Summary(s =>
        {
            s.Summary = "Lists a team's transactions";
            s.Description = "Each carries the remaining credits before and after it; sorted by sequence they chain without a gap.";
            s.Params["kind"] = "allocation, topup, deduction, refund, promotion, subscription, adjustment or expiry";
            s.Params["job_id"] = "Only this job's.";
            s.Params["sort"] = "-sequence (newest first, where it is left out) or sequence";
            s.ResponseExamples[200] = new PageResponse<TransactionResponse>([TransactionResponse.Example], null);
        });
    }

    public override async Task HandleAsync(ListTransactionsRequest request, CancellationToken ct)
    {
        if (OwnTeam.Refuse(HttpContext.GetCaller(), request.TeamId) is { } refused)
        {
            await Send.FailureAsync(refused);
            return;
        }

        var listed = await transactions.ListAsync(
            request.TeamId, request.ToQuery(descendingByDefault: true), request.Kind, request.JobId, ct);
        await listed.Match(
            page => Send.OkAsync(PageResponse.Of(page, TransactionResponse.From), ct),
            failure => Send.FailureAsync(failure));
    }
}

internal sealed record ListTransactionsRequest(
    [property: RouteParam] string TeamId,
    [property: QueryParam] int? Limit,
    [property: QueryParam] string? Cursor,
    [property: QueryParam] string? Sort,
    [property: QueryParam] string? Kind,
    [property: QueryParam] Guid? JobId) : IPageRequest;

internal sealed class ListTransactionsValidator : Validator<ListTransactionsRequest>
{
    private static readonly string[] s_kinds = ["allocation", "topup", "deduction", "refund", "promotion", "subscription", "adjustment", "expiry", "refill"];

    public ListTransactionsValidator()
    {
        this.IsPage("sequence");
        RuleFor(r => r.Cursor).IsNumberCursor();
        RuleFor(r => r.Kind).Must(kind => kind is null || s_kinds.Contains(kind)).WithMessage($"must be one of {string.Join(", ", s_kinds)}");
    }
}
