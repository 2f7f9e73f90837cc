using System.Security.Cryptography;
using System.Text;

namespace SaasLlm.Tests.Webhooks;

/// <summary>What the documentation gives receivers in C#: a test holds the two against each other.</summary>
public static class WebhookVerifier
{
    /// <param name="secret"><c>whsec_…</c></param>
    /// <param name="body">The request's body as it came, before anything parses it.</param>
    public static bool IsGenuine(string secret, string id, string timestamp, string signatures, byte[] body, DateTimeOffset now)
    {
        // An old request may be one that somebody kept.
        if (!long.TryParse(timestamp, out var seconds) || Math.Abs(now.ToUnixTimeSeconds() - seconds) > 300)
        {
            return false;
        }

        var key = Convert.FromBase64String(secret["whsec_".Length..]);
        byte[] signed = [.. Encoding.UTF8.GetBytes($"{id}.{timestamp}."), .. body];
        var expected = Encoding.ASCII.GetBytes("v1," + Convert.ToBase64String(HMACSHA256.HashData(key, signed)));
        // While a secret is being replaced there are two signatures.
        return signatures.Split(' ').Any(signature => CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(signature), expected));
    }
}
