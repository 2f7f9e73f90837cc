using SaasLlm.Core.Pricing;

namespace SaasLlm.ApiService.Pricing;

/// <summary>The price of a model, in USD a million tokens.</summary>
/// <param name="CachedInputUsdPerMillion">Null: as input.</param>
/// <param name="CacheWriteUsdPerMillion">Input that the provider stores for later. Null: as input.</param>
/// <param name="ReasoningUsdPerMillion">Null: as output.</param>
/// <param name="RequestUsd">USD a request, whatever its tokens.</param>
internal sealed record PriceResponse(
    decimal InputUsdPerMillion,
    decimal OutputUsdPerMillion,
    decimal? CachedInputUsdPerMillion,
    decimal? CacheWriteUsdPerMillion,
    decimal? ReasoningUsdPerMillion,
    decimal RequestUsd)
{
    public static readonly PriceResponse Example = new(2.5m, 10, 1.25m, null, null, 0);

    public static PriceResponse? From(ModelPrice? price) => price is null
        ? null
        : new(price.Input, price.Output, price.CachedInput, price.CacheWrite, price.Reasoning, price.Request);
}

/// <summary>What a version of the price book says of a model.</summary>
/// <param name="Price">Null: the source took its price back.</param>
/// <param name="Version">The version that said it.</param>
/// <param name="Source"><c>operator</c>, <c>configuration</c>, <c>gateway</c> or <c>builtin</c>: of several the first in this order counts.</param>
/// <param name="SourceUrl">Where it can be looked up.</param>
internal sealed record BookPriceResponse(
    string ModelName, PriceResponse? Price, long Version, string Source, string Reason, string? SourceUrl, DateTimeOffset CreatedAt)
{
    public static readonly BookPriceResponse Example = new(
        "gpt-4o", PriceResponse.Example, 12, PriceSource.Operator, "The provider's price list of January", null, new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero));

    public static BookPriceResponse From(BookPrice price) => new(
        price.ModelName, PriceResponse.From(price.Price), price.Version, price.Source, price.Reason, price.SourceUrl, price.CreatedAt);
}
