using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using SaasLlm.Core.Common;
using SaasLlm.Core.Llm.Keys;

namespace SaasLlm.Core.Webhooks;

/// <summary>Makes signing secrets, and encrypts them for the database, each bound to its endpoint.</summary>
public sealed class WebhookSecrets(IOptions<EncryptionOptions> options)
{
    /// <summary>What a secret begins with; base64 of its bytes follows.</summary>
    public const string Prefix = "whsec_";

    private const int SecretBytes = 32;

    private readonly SecretBox _box = new(options.Value.Key, "saasllm webhook secrets v1");

    /// <summary>A new secret, as its receiver is shown it once, and as it is stored.</summary>
    public (string Shown, byte[] Stored) New(Guid endpointId)
    {
        var secret = RandomNumberGenerator.GetBytes(SecretBytes);
        return (Show(secret), _box.Seal(secret, endpointId.ToByteArray()));
    }

    /// <summary>The bytes to sign with, or null when they are not ours: another encryption key, or another endpoint's.</summary>
    public byte[]? Open(byte[] stored, Guid endpointId) => _box.Open(stored, endpointId.ToByteArray());

    private static string Show(byte[] secret) => Prefix + Convert.ToBase64String(secret);
}

/// <summary>Signatures by the Standard Webhooks specification.</summary>
public static class WebhookSignature
{
    /// <summary>The value of <c>webhook-signature</c>: one of each secret, separated by a space.</summary>
    /// <param name="timestamp">Seconds since 1970, as sent in <c>webhook-timestamp</c>.</param>
    public static string Of(Guid messageId, long timestamp, string body, params IEnumerable<byte[]> secrets)
    {
        var signed = Encoding.UTF8.GetBytes(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{messageId}.{timestamp}.{body}"));
        return string.Join(' ', secrets.Select(secret => "v1," + Convert.ToBase64String(HMACSHA256.HashData(secret, signed))));
    }
}
