using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace SaasLlm.Core.Pricing;

/// <summary>
/// Prices from configuration; they win over the gateway's. By name, <c>Pricing:Models:gpt-4o:InputUsdPerMillion = 2.5</c>, or, for names
/// that hold a colon, as a list: <c>Pricing:Models:0:Name = ollama/llama3:8b</c>, <c>Pricing:Models:0:InputUsdPerMillion = 0</c>.
/// </summary>
public sealed class PricingOptions
{
    public const string Section = "Pricing";

    /// <summary>Both forms, read by <see cref="Read"/>.</summary>
    public List<ConfiguredPrice> Models { get; set; } = [];

    /// <summary>How often the gateway's price list is read again.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan RefreshInterval { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>Reads the section; the configuration binder would lose the names of the first form.</summary>
    internal static void Read(PricingOptions options, IConfigurationSection section)
    {
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

    /// <summary>The price as the product uses it.</summary>
    public ModelPrice ToPrice() => new(InputUsdPerMillion ?? 0, OutputUsdPerMillion ?? 0, CachedInputUsdPerMillion);
}

internal sealed class PricingOptionsValidator : IValidateOptions<PricingOptions>
{
    private const decimal PriceMax = 1_000_000m;

    public ValidateOptionsResult Validate(string? name, PricingOptions options)
    {
        var faults = new List<string>();
        foreach (var model in options.Models)
        {
            if (model.InputUsdPerMillion is null || model.OutputUsdPerMillion is null)
            {
                faults.Add($"Pricing:Models:{model.Name} needs InputUsdPerMillion and OutputUsdPerMillion; write 0 for what is free.");
            }

            if (new[] { model.InputUsdPerMillion, model.OutputUsdPerMillion, model.CachedInputUsdPerMillion }.Any(price => price is < 0 or > PriceMax))
            {
                faults.Add($"Pricing:Models:{model.Name} has a price that is not between 0 and {PriceMax}.");
            }
        }

        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }
}
