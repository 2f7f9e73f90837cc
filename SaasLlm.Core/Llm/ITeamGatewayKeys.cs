using SaasLlm.Core.Common;

namespace SaasLlm.Core.Llm;

/// <summary>Each team's own key at the gateway, stored encrypted.</summary>
public interface ITeamGatewayKeys
{
    /// <summary>
    /// Mints and stores the key of a team that was just committed (its <c>team_gateway_keys</c> row is there, <c>pending</c>). Idempotent.
    /// False: the gateway was not there or failed half-way; JobRunner heals it. A plain base URL needs no keys: always true.
    /// </summary>
    Task<bool> ProvisionAsync(string teamId, CancellationToken cancellation);

    /// <summary>The key to call with. 503 <c>llm.key_pending</c> while it is not provisioned.</summary>
    ValueTask<Result<string>> GetAsync(string teamId, CancellationToken cancellation);

    /// <summary>Mints a new key where the gateway no longer knows the old one.</summary>
    Task<bool> ReplaceAsync(string teamId, string refusedKey, CancellationToken cancellation);
}
