using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace SaasLlm.Core.Pricing;

/// <summary>
/// Prices from configuration; they win over the gateway's, and stand in the price book from the start of a process on. By name, <c>Pricing:Models:gpt-4o:InputUsdPerMillion = 2.5</c>, or, for names
/// that hold a colon, as a list: <c>Pricing:Models:0:Name = ollama/llama3:8b</c>, <c>Pricing:Models:0:InputUsdPerMillion = 0</c>.
/// </summary>
public sealed class PricingOptions
{
    public const string Section = "Pricing";

    /// <summary>Prices come from nowhere by themselves.</summary>
    public const string ImportOff = "off";

    /// <summary>What the gateway lists and the book has no price of its for.</summary>
    public const string ImportNew = "new";

    /// <summary>What changed at the gateway too.</summary>
    public const string ImportAll = "all";

    /// <summary>
    /// What is taken from the gateway without being told. <c>new</c>: a new model works at once, and no price changes because a gateway was
    /// upgraded; <c>all</c> follows the gateway; <c>off</c> leaves everything to the operator.
    /// </summary>
    [RegularExpression("^(off|new|all)$", ErrorMessage = "Pricing:Import must be off, new or all.")]
    public string Import { get; set; } = ImportNew;

    /// <summary>Both forms, read by <see cref="Read"/>.</summary>
    public List<ConfiguredPrice> Models { get; set; } = [];

    /// <summary>How often the gateway's price list is read again.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan RefreshInterval { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>Reads the section; the configuration binder would lose the names of the first form.</summary>
    internal static void Read(PricingOptions options, IConfigurationSection section)
    {
        options.Import = section.GetValue(nameof(Import), options.Import)!;
        options.RefreshInterval = section.GetValue(nameof(RefreshInterval), options.RefreshInterval);
        foreach (var child in section.GetSection(nameof(Models)).GetChildren())
        {
            var price = new ConfiguredPrice { Name = child.Key };
            child.Bind(price);
            options.Models.Add(price);
        }
    }
}

/// <summary>One model's price, in USD per million tokens.</summary>
public sealed class ConfiguredPrice
{
    public string Name { get; set; } = "";

    /// <summary>An explicit zero is a price; nothing is a mistake.</summary>
    public decimal? InputUsdPerMillion { get; set; }

    /// <inheritdoc cref="InputUsdPerMillion"/>
    public decimal? OutputUsdPerMillion { get; set; }

    /// <summary>Null: cached input is charged as input.</summary>
    public decimal? CachedInputUsdPerMillion { get; set; }

    /// <summary>What the provider stores for later. Null: charged as input.</summary>
    public decimal? CacheWriteUsdPerMillion { get; set; }

    /// <summary>Null: charged as output.</summary>
    public decimal? ReasoningUsdPerMillion { get; set; }

    /// <summary>USD a request, whatever its tokens.</summary>
    public decimal? RequestUsd { get; set; }

    /// <summary>The price as the product uses it.</summary>
    public ModelPrice ToPrice() => new ModelPrice(
        InputUsdPerMillion ?? 0, OutputUsdPerMillion ?? 0, CachedInputUsdPerMillion, CacheWriteUsdPerMillion, ReasoningUsdPerMillion, RequestUsd ?? 0).Rounded();
}

internal sealed class PricingOptionsValidator : IValidateOptions<PricingOptions>
{
    public ValidateOptionsResult Validate(string? name, PricingOptions options)
    {
        var faults = new List<string>();
        foreach (var model in options.Models)
        {
            if (model.InputUsdPerMillion is null || model.OutputUsdPerMillion is null)
            {
                faults.Add($"Pricing:Models:{model.Name} needs InputUsdPerMillion and OutputUsdPerMillion; write 0 for what is free.");
            }

            var prices = new[]
            {
                model.InputUsdPerMillion, model.OutputUsdPerMillion, model.CachedInputUsdPerMillion, model.CacheWriteUsdPerMillion,
                model.ReasoningUsdPerMillion, model.RequestUsd,
            };
            if (prices.Any(price => price is < 0 or > ModelPrice.Max))
            {
                faults.Add($"Pricing:Models:{model.Name} has a price that is not between 0 and {ModelPrice.Max}.");
            }

            if (!ModelPrice.IsModelName(model.Name))
            {
                faults.Add($"Pricing:Models:{model.Name} is no name of a model.");
            }
        }

        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }
}
