using SaasLlm.Core.Background;
using SaasLlm.Core.Common;

namespace SaasLlm.Core.Llm.Keys;

/// <summary>Heals half-failed provisioning: mints the keys of teams that were made while LiteLLM was not there.</summary>
public sealed class ProvisionGatewayKeysPass(GatewayKeyStore store, TeamGatewayKeys keys, TimeProvider time) : IBackgroundPass
{
    private const int BatchSize = 10;
    private static readonly TimeSpan s_lease = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_mintMax = TimeSpan.FromSeconds(5);

    public TimeSpan Interval => TimeSpan.FromSeconds(1);

    public async Task<bool> RunAsync(CancellationToken cancellation)
    {
        var lease = Uuid7.New(time);
        var teams = await store.ClaimDueAsync(BatchSize, lease, s_lease, cancellation);
        foreach (var team in teams)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            limit.CancelAfter(s_mintMax);
            await keys.MintAsync(team, lease, limit.Token);
        }

        return teams.Count == BatchSize;
    }
}
