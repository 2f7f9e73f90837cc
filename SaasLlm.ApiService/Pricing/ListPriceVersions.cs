using FastEndpoints;
using FluentValidation;
using SaasLlm.ApiService.Platform.Lists;
using SaasLlm.Core.Pricing;

namespace SaasLlm.ApiService.Pricing;

/// <summary>Lists the versions of the price book.</summary>
internal sealed class ListPriceVersions(PriceReader prices) : Endpoint<ListPriceVersionsRequest, PageResponse<PriceVersionResponse>>
{
    public override void Configure()
    {
        Get("/versions");
        Group<PricesGroup>();
        Summary(s =>
        {
            s.Summary = "Lists the versions of the price book";
            s.Params["source"] = string.Join(", ", PriceSource.ByPrecedence);
            s.Params["sort"] = "-version (newest first, where it is left out) or version";
            s.ResponseExamples[200] = new PageResponse<PriceVersionResponse>([PriceVersionResponse.Example], null);
        });
    }

    public override async Task HandleAsync(ListPriceVersionsRequest request, CancellationToken ct)
    {
        var page = await prices.VersionsAsync(request.ToQuery(descendingByDefault: true), request.Source, ct);
        await Send.OkAsync(PageResponse.Of(page, PriceVersionResponse.From), ct);
    }
}

internal sealed record ListPriceVersionsRequest(
    [property: QueryParam] int? Limit,
    [property: QueryParam] string? Cursor,
    [property: QueryParam] string? Sort,
    [property: QueryParam] string? Source) : IPageRequest;

/// <param name="Models">How many models it says something of; of the others the version before counts.</param>
internal sealed record PriceVersionResponse(long Version, string Source, string Reason, string? SourceUrl, int Models, DateTimeOffset CreatedAt)
{
    public static readonly PriceVersionResponse Example = new(
        12, PriceSource.Operator, "The provider's price list of January", null, 1, new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero));

    public static PriceVersionResponse From(CountedVersion counted) => new(
        counted.Version.Version, counted.Version.Source, counted.Version.Reason, counted.Version.SourceUrl, counted.Models, counted.Version.CreatedAt);
}

internal sealed class ListPriceVersionsValidator : Validator<ListPriceVersionsRequest>
{
    public ListPriceVersionsValidator()
    {
        this.IsPage("version");
        RuleFor(r => r.Cursor).IsNumberCursor();
        RuleFor(r => r.Source).IsPriceSource();
    }
}
