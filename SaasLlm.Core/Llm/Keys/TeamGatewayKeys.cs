using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using SaasLlm.Core.Common;
using SaasLlm.Core.Llm.Gateway;

namespace SaasLlm.Core.Llm.Keys;

/// <summary>Mints, stores and remembers each team's key at LiteLLM. A plain base URL has one key for all.</summary>
public sealed partial class TeamGatewayKeys(
    GatewayKeyStore store, GatewayAdmin gateway, KeyCipher cipher, IOptions<GatewayOptions> options, TimeProvider time, ILogger<TeamGatewayKeys> logger)
    : ITeamGatewayKeys
{
    private static readonly TimeSpan s_lease = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_retryAfter = TimeSpan.FromSeconds(5);

    private readonly BoundedCache<string, string> _known = new(50_000);

    public async Task<bool> ProvisionAsync(string teamId, CancellationToken cancellation)
    {
        if (!options.Value.IsLiteLlm)
        {
            return true;
        }

        var lease = Uuid7.New(time);
        if (!await store.ClaimAsync(teamId, lease, s_lease, cancellation))
        {
            // Ready, or another one is at it.
            return await store.FindAsync(teamId, cancellation) is not null;
        }

        return await MintAsync(teamId, lease, cancellation);
    }

    /// <summary>Mints the key of a team whose row is claimed under <paramref name="lease"/>.</summary>
    public async Task<bool> MintAsync(string teamId, Guid lease, CancellationToken cancellation)
    {
        string? failure = null;
        try
        {
            if (await gateway.EnsureTeamAsync(teamId, cancellation))
            {
                if (await gateway.MintKeyAsync(teamId, $"saasllm-{teamId}-{lease:N}", cancellation) is { } key)
                {
                    return await store.StoreAsync(teamId, lease, cipher.Encrypt(key, teamId), cancellation);
                }

                failure = "the gateway minted no key";
            }
            else
            {
                failure = "the gateway made no team";
            }
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException or JsonException or IOException)
        {
            failure = exception is OperationCanceledException ? "the gateway took too long" : "the gateway is not there";
        }

        LogNotProvisioned(teamId, failure);
        await store.ReleaseAsync(teamId, lease, failure, CancellationToken.None);
        return false;
    }

    public async ValueTask<Result<string>> GetAsync(string teamId, CancellationToken cancellation)
    {
        if (!options.Value.IsLiteLlm)
        {
            return options.Value.Key;
        }

        if (_known.TryGet(teamId, out var known))
        {
            return known;
        }

        var version = _known.Version;
        var stored = await store.FindAsync(teamId, cancellation);
        if (stored is null)
        {
            return new Failure(FailureKind.Unavailable, "llm.key_pending", "The team is being set up at the gateway; repeat in a moment.")
            {
                RetryAfter = s_retryAfter,
            };
        }

        if (cipher.Decrypt(stored, teamId) is not { } key)
        {
            LogUnreadable(teamId);
            await store.ForgetAsync(teamId, stored, cancellation);
            return new Failure(FailureKind.Unavailable, "llm.key_pending", "The team is being set up at the gateway; repeat in a moment.")
            {
                RetryAfter = s_retryAfter,
            };
        }

        _known.Set(teamId, key, version);
        return key;
    }

    public async Task<bool> ReplaceAsync(string teamId, string refusedKey, CancellationToken cancellation)
    {
        if (!options.Value.IsLiteLlm)
        {
            return false;
        }

        _known.Remove(teamId);
        var stored = await store.FindAsync(teamId, cancellation);
        if (stored is not null)
        {
            // Another call, or another replica, may have replaced it already.
            if (cipher.Decrypt(stored, teamId) is { } current && current != refusedKey)
            {
                return true;
            }

            await store.ForgetAsync(teamId, stored, cancellation);
        }

        return await ProvisionAsync(teamId, cancellation);
    }

    [LoggerMessage(4001, LogLevel.Warning, "The key of team {TeamId} at the gateway is not provisioned yet: {Reason}")]
    private partial void LogNotProvisioned(string teamId, string? reason);

    [LoggerMessage(4002, LogLevel.Error, "The stored gateway key of team {TeamId} cannot be decrypted: was Encryption:Key changed? A new one is minted")]
    private partial void LogUnreadable(string teamId);
}
