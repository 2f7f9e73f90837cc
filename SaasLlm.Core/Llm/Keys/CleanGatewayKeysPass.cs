using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using SaasLlm.Core.Background;
using SaasLlm.Core.Llm.Gateway;

namespace SaasLlm.Core.Llm.Keys;

/// <summary>
/// Deletes keys at LiteLLM that this installation made and does not know: their answers were lost, or two were minted together. Only keys that bear
/// its mark, are older than an hour, and are not their team's; a plain base URL has none.
/// </summary>
public sealed partial class CleanGatewayKeysPass(
    GatewayAdmin gateway, GatewayKeyStore store, KeyCipher cipher, IOptions<GatewayOptions> options, ILogger<CleanGatewayKeysPass> logger) : IScheduledPass
{
    // Whoever mints a key stores it within seconds.
    private static readonly TimeSpan s_age = TimeSpan.FromHours(1);

    public TimeSpan Interval => TimeSpan.FromHours(1);

    /// <inheritdoc/>
    public async Task<bool> RunAsync(CancellationToken cancellation)
    {
        if (!options.Value.IsLiteLlm)
        {
            return false;
        }

        try
        {
            var unknown = await FindAsync(cancellation);
            foreach (var some in unknown.Chunk(GatewayKeyPage.Size))
            {
                if (!await gateway.DeleteKeysAsync(some, cancellation))
                {
                    throw new PassFailedException("The gateway did not delete keys that are not known.");
                }

                LogDeleted(some.Length);
            }

            return false;
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or JsonException
                                          || (exception is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            throw new PassFailedException("The gateway is not there.");
        }
    }

    private async Task<List<string>> FindAsync(CancellationToken cancellation)
    {
        List<string> unknown = [];
        for (var number = 1; ; number++)
        {
            // What it says without its database is no reason to delete anything.
            if (!await gateway.HasDatabaseAsync(cancellation) || await gateway.ListKeysAsync(number, cipher.Installation, cancellation) is not { } page)
            {
                throw new PassFailedException("The gateway did not list its keys.");
            }

            // Read after the list: a key that was stored meanwhile is known.
            var old = page.Keys.Where(key => page.Now - key.CreatedAt > s_age).ToList();
            var rows = await store.FindManyAsync([.. old.Select(key => key.TeamId).Distinct()], cancellation);
            unknown.AddRange(old.Where(key => !IsKnown(key, rows)).Select(key => key.Token));
            if (number >= page.Pages)
            {
                return unknown;
            }
        }
    }

    // A team that waits for a key, or whose key cannot be read, is left to whoever mints it anew.
    private bool IsKnown(GatewayKey key, IReadOnlyDictionary<string, byte[]?> rows)
        => rows.TryGetValue(key.TeamId, out var stored)
           && (stored is null || cipher.Decrypt(stored, key.TeamId) is not { } ours
               || Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(ours))) == key.Token);

    [LoggerMessage(4011, LogLevel.Warning, "Deleted {Count} keys at the gateway that were made here and belong to nobody")]
    private partial void LogDeleted(int count);
}
