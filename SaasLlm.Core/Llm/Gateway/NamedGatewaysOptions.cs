using Microsoft.Extensions.Options;
using SaasLlm.Core.Common;

namespace SaasLlm.Core.Llm.Gateway;

/// <summary>
/// OpenAI-compatible servers (a provider, vLLM, Ollama) that a group's model may name, for example <c>Gateways:vllm:BaseUrl</c>. What they
/// serve is priced in the price book, as all models are.
/// </summary>
public sealed class NamedGatewaysOptions
{
    public const string Section = "Gateways";

    /// <summary>Names are those of a configuration: upper and lower case are the same.</summary>
    public IDictionary<string, NamedGateway> ByName { get; } = new Dictionary<string, NamedGateway>(StringComparer.OrdinalIgnoreCase);
}

/// <summary>One of them.</summary>
public sealed class NamedGateway
{
    /// <summary>With or without a trailing <c>/v1</c>.</summary>
    public string BaseUrl { get; set; } = "";

    /// <summary>Sent as Bearer with every call of every team; empty sends none.</summary>
    public string Key { get; set; } = "";
}

internal sealed class NamedGatewaysValidator : IValidateOptions<NamedGatewaysOptions>
{
    public ValidateOptionsResult Validate(string? name, NamedGatewaysOptions options)
    {
        var faults = options.ByName.SelectMany(gateway => FaultsOf($"{NamedGatewaysOptions.Section}:{gateway.Key}", gateway.Key, gateway.Value)).ToList();
        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }

    private static IEnumerable<string> FaultsOf(string path, string name, NamedGateway gateway)
    {
        if (!Names.IsGroupName(name))
        {
            yield return $"{path} must be named by letters, digits, dots, dashes and underscores, 64 at the most.";
        }

        if (!GatewayOptionsValidator.IsAddress(gateway.BaseUrl))
        {
            yield return $"{path}:BaseUrl must be an http or https address.";
        }

        if (!GatewayOptionsValidator.IsHeaderText(gateway.Key))
        {
            yield return $"{path}:Key holds what no HTTP header can carry, for example a line break.";
        }
    }
}
