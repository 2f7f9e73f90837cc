using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace SaasLlm.Core.Llm.Gateway;

/// <summary>What stands behind the LLM client.</summary>
public sealed class GatewayOptions
{
    public const string Section = "Gateway";

    /// <summary><c>litellm</c>, or <c>openai</c> for any OpenAI-compatible base URL: that one has no keys to provision and no price list.</summary>
    [RegularExpression("^(litellm|openai)$", ErrorMessage = "Gateway:Kind must be litellm or openai.")]
    public string Kind { get; set; } = "litellm";

    /// <summary>For example <c>http://localhost:4000</c>; with or without a trailing <c>/v1</c>.</summary>
    [Required(ErrorMessage = "Gateway:BaseUrl is missing.")]
    public string BaseUrl { get; set; } = "";

    /// <summary>Further addresses of the same gateway, with the same database and keys: requests are spread over all of them.</summary>
    public IList<string> Replicas { get; } = [];

    /// <summary>How long an address that cannot be reached is not tried while another is there.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:10:00")]
    public TimeSpan ReplicaRest { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>LiteLLM's master key, by which teams' keys are minted.</summary>
    public string MasterKey { get; set; } = "";

    /// <summary>The key sent to a plain base URL.</summary>
    public string Key { get; set; } = "";

    /// <summary>How long one attempt may take.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "01:00:00")]
    public TimeSpan AttemptTimeout { get; set; } = TimeSpan.FromSeconds(120);

    /// <summary>How long a call may take, all its attempts together.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "02:00:00")]
    public TimeSpan CallTimeout { get; set; } = TimeSpan.FromSeconds(300);

    /// <summary>How long a stream may be silent between two chunks.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "01:00:00")]
    public TimeSpan StreamGapMax { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a stream whose reader has left is read on, so that it can be accounted.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "01:00:00")]
    public TimeSpan DrainMax { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>Bytes of an answer; a longer one is taken for a failed model.</summary>
    [Range(1024, 256 * 1024 * 1024)]
    public int AnswerBytesMax { get; set; } = 32 * 1024 * 1024;

    /// <summary>
    /// The longest answer that a hold is estimated for where neither the request nor its group names one; it is then sent upstream.
    /// </summary>
    [Range(1, 10_000_000)]
    public int MaxOutputTokens { get; set; } = 4096;

    /// <summary>Failures in a row after which a model is skipped.</summary>
    [Range(1, 1000)]
    public int BreakerFailures { get; set; } = 5;

    /// <summary>How long it is skipped before it is tried again.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "01:00:00")]
    public TimeSpan BreakerRest { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>True for LiteLLM and its simulator.</summary>
    public bool IsLiteLlm => Kind == "litellm";

    /// <summary>The base address without <c>v1</c>, with a trailing slash: a path before it stays (<c>https://host/openai/v1</c>).</summary>
    public Uri Root => RootOf(BaseUrl);

    /// <summary>Likewise of all addresses; the first is <see cref="Root"/>.</summary>
    public IEnumerable<Uri> Roots => [Root, .. Replicas.Select(RootOf)];

    internal static Uri RootOf(string address)
    {
        var url = address.TrimEnd('/');
        return new((url.EndsWith("/v1", StringComparison.Ordinal) ? url[..^3] : url) + "/");
    }
}

internal sealed class GatewayOptionsValidator : IValidateOptions<GatewayOptions>
{
    public ValidateOptionsResult Validate(string? name, GatewayOptions options)
    {
        var faults = new List<string>();
        if (!IsAddress(options.BaseUrl))
        {
            faults.Add("Gateway:BaseUrl must be an http or https address.");
        }

        for (var index = 0; index < options.Replicas.Count; index++)
        {
            if (!IsAddress(options.Replicas[index]))
            {
                faults.Add($"Gateway:Replicas:{index} must be an http or https address.");
            }
        }

        if (options.IsLiteLlm && options.MasterKey.Length == 0)
        {
            faults.Add("Gateway:MasterKey is missing.");
        }

        foreach (var (setting, key) in new[] { ("MasterKey", options.MasterKey), ("Key", options.Key) })
        {
            if (!IsHeaderText(key))
            {
                faults.Add($"Gateway:{setting} holds what no HTTP header can carry, for example a line break.");
            }
        }

        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }

    /// <summary>True for what an HTTP header can carry.</summary>
    internal static bool IsHeaderText(string text) => text.All(c => c is > ' ' and <= '~');

    internal static bool IsAddress(string text) => Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https";
}
