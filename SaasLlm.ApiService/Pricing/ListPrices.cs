using FastEndpoints;
using FluentValidation;
using SaasLlm.ApiService.Platform;
using SaasLlm.ApiService.Platform.Lists;
using SaasLlm.Core.Pricing;

namespace SaasLlm.ApiService.Pricing;

/// <summary>Lists the prices that count.</summary>
internal sealed class ListPrices(PriceReader prices) : Endpoint<ListPricesRequest, PageResponse<BookPriceResponse>>
{
    public override void Configure()
    {
        Get("");
        Group<PricesGroup>();
        Summary(s =>
        {
            s.Summary = "Lists prices";
            s.Description = "Of each model the price that counts: the operator's before the configured, that before the gateway's, and that before the built-in one.";
            s.Params["model"] = "A part of the name, in any case.";
            s.Params["source"] = string.Join(", ", PriceSource.ByPrecedence);
            s.Params["version"] = "As the book stood at that version, for example a job's price_version.";
            s.Params["sort"] = "model_name (where it is left out) or -model_name";
            s.ResponseExamples[200] = new PageResponse<BookPriceResponse>([BookPriceResponse.Example], null);
        });
    }

    public override async Task HandleAsync(ListPricesRequest request, CancellationToken ct)
    {
        var page = await prices.ListAsync(request.ToQuery(), request.Model, request.Source, request.Version, ct);
        await Send.OkAsync(PageResponse.Of(page, BookPriceResponse.From), ct);
    }
}

internal sealed record ListPricesRequest(
    [property: QueryParam] int? Limit,
    [property: QueryParam] string? Cursor,
    [property: QueryParam] string? Sort,
    [property: QueryParam] string? Model,
    [property: QueryParam] string? Source,
    [property: QueryParam] long? Version) : IPageRequest;

internal sealed class ListPricesValidator : Validator<ListPricesRequest>
{
    public ListPricesValidator()
    {
        this.IsPage("model_name");
        RuleFor(r => r.Model).IsLine(200);
        RuleFor(r => r.Source).IsPriceSource();
        RuleFor(r => r.Version).GreaterThanOrEqualTo(0);
    }
}
