using System.ComponentModel.DataAnnotations;

namespace SaasLlm.Core.Pricing;

/// <summary>Prices from configuration; they win over the gateway's.</summary>
public sealed class PricingOptions
{
    public const string Section = "Pricing";

    /// <summary>For example <c>Pricing:Models:0:Name = gpt-4o</c>, <c>Pricing:Models:0:InputUsdPerMillion = 2.5</c>.</summary>
    public List<ConfiguredPrice> Models { get; set; } = [];

    /// <summary>How often the gateway's price list is read again.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan RefreshInterval { get; set; } = TimeSpan.FromMinutes(1);
}

/// <summary>One model's price, in USD per million tokens.</summary>
public sealed class ConfiguredPrice
{
    [Required]
    public string Name { get; set; } = "";

    [Range(typeof(decimal), "0", "1000000")]
    public decimal InputUsdPerMillion { get; set; }

    [Range(typeof(decimal), "0", "1000000")]
    public decimal OutputUsdPerMillion { get; set; }

    [Range(typeof(decimal), "0", "1000000")]
    public decimal? CachedInputUsdPerMillion { get; set; }

    /// <summary>The price as the product uses it.</summary>
    public ModelPrice ToPrice() => new(InputUsdPerMillion, OutputUsdPerMillion, CachedInputUsdPerMillion);
}
