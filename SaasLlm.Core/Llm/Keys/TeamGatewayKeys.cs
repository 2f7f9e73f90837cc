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

    // Shorter than the lease: nobody else mints while we do.
    private static readonly TimeSpan s_mintMax = TimeSpan.FromSeconds(15);

    // A key that is refused again at once has a cause that another new key does not mend, for example a blocked team.
    private static readonly TimeSpan s_replacePause = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_otherMintsMax = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan s_otherMintsPause = TimeSpan.FromMilliseconds(100);

    private readonly BoundedCache<string, string> _known = new(50_000);
    private readonly BoundedCache<string, Replacement> _replaced = new(10_000);

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
        using var longest = new CancellationTokenSource(s_mintMax, time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation, longest.Token);
        try
        {
            if (await gateway.EnsureTeamAsync(teamId, limit.Token))
            {
                // One alias a team: a key whose answer was lost is found by it, and does not stay alive unknown to anybody.
                if (await gateway.MintKeyAsync(teamId, $"saasllm-{teamId}", cipher.Installation, limit.Token) is { } key)
                {
                    return await store.StoreAsync(teamId, lease, cipher.Encrypt(key, teamId), CancellationToken.None);
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

            if (_replaced.TryGet(teamId, out var last) && time.GetElapsedTime(last.At) < s_replacePause)
            {
                return last.RefusedKey == refusedKey && await OtherMintedAsync(teamId, refusedKey, cancellation);
            }

            // A gateway that has lost its database knows no key: what it says then is no reason to give one up.
            if (!await GatewayKnowsAsync(cancellation))
            {
                LogNotReplaced(teamId);
                return false;
            }

            _replaced.Set(teamId, new(refusedKey, time.GetTimestamp()), _replaced.Version);
            await store.ForgetAsync(teamId, stored, cancellation);
        }

        return await ProvisionAsync(teamId, cancellation) || await OtherMintedAsync(teamId, refusedKey, cancellation);
    }

    // Calls that were refused together: one mints, the others wait for what it stores.
    private async Task<bool> OtherMintedAsync(string teamId, string refusedKey, CancellationToken cancellation)
    {
        var since = time.GetTimestamp();
        while (time.GetElapsedTime(since) < s_otherMintsMax)
        {
            await Task.Delay(s_otherMintsPause, time, cancellation);
            if (await store.FindAsync(teamId, cancellation) is { } stored && cipher.Decrypt(stored, teamId) is { } key && key != refusedKey)
            {
                return true;
            }
        }

        return false;
    }

    private async Task<bool> GatewayKnowsAsync(CancellationToken cancellation)
    {
        using var longest = new CancellationTokenSource(s_otherMintsMax, time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation, longest.Token);
        try
        {
            return await gateway.HasDatabaseAsync(limit.Token);
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException or JsonException or IOException)
        {
            return false;
        }
    }

    [LoggerMessage(4001, LogLevel.Warning, "The key of team {TeamId} at the gateway is not provisioned yet: {Reason}")]
    private partial void LogNotProvisioned(string teamId, string? reason);

    private sealed record Replacement(string RefusedKey, long At);

    [LoggerMessage(4003, LogLevel.Error, "The gateway refused the key of team {TeamId}, but has no database to know it by: the key is kept")]
    private partial void LogNotReplaced(string teamId);

    [LoggerMessage(4002, LogLevel.Error, "The stored gateway key of team {TeamId} cannot be decrypted: was Encryption:Key changed? A new one is minted")]
    private partial void LogUnreadable(string teamId);
}
