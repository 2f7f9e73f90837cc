using Microsoft.Extensions.Options;

namespace SaasLlm.Core.Llm.Gateway;

/// <summary>The gateways that a group's models may be asked for at.</summary>
public sealed class GatewayTargets(IOptions<GatewayOptions> common, IOptions<NamedGatewaysOptions> named)
{
    private readonly Dictionary<string, GatewayTarget> _named = named.Value.ByName.ToDictionary(
        gateway => gateway.Key,
        gateway => new GatewayTarget(gateway.Key, GatewayOptions.RootOf(gateway.Value.BaseUrl), gateway.Value.Key, IsLiteLlm: false),
        StringComparer.OrdinalIgnoreCase);

    private readonly GatewayTarget _common = new(null, common.Value.Root, null, common.Value.IsLiteLlm);

    /// <summary>The names, in order.</summary>
    public IEnumerable<string> Names => _named.Keys.Order(StringComparer.OrdinalIgnoreCase);

    /// <summary>Null: the configuration has none of that name.</summary>
    /// <param name="name">Null is the common gateway.</param>
    public GatewayTarget? Find(string? name) => name is null ? _common : _named.GetValueOrDefault(name);
}
