using System.Security.Cryptography;
using System.Text;

namespace SaasLlm.Core.Common;

/// <summary>
/// Encrypts what is stored: AES-256-GCM under a key derived from a secret for one purpose, bound to the row it belongs to.
/// Layout: version, nonce (12), tag (16), text.
/// </summary>
/// <param name="secret">The installation's encryption key.</param>
/// <param name="purpose">Two purposes cannot read each other's.</param>
internal sealed class SecretBox(string secret, string purpose)
{
    private const byte Version = 1;
    private const int NonceBytes = 12;
    private const int TagBytes = 16;
    private const int HeaderBytes = 1 + NonceBytes + TagBytes;

    private readonly byte[] _key = HKDF.DeriveKey(
        HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(secret), 32, info: Encoding.UTF8.GetBytes(purpose));

    /// <summary>The bytes to store.</summary>
    /// <param name="owner">Names the row; only with the same one it opens.</param>
    public byte[] Seal(ReadOnlySpan<byte> plain, ReadOnlySpan<byte> owner)
    {
        var stored = new byte[HeaderBytes + plain.Length];
        stored[0] = Version;
        var nonce = stored.AsSpan(1, NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        using var aes = new AesGcm(_key, TagBytes);
        aes.Encrypt(nonce, plain, stored.AsSpan(HeaderBytes), stored.AsSpan(1 + NonceBytes, TagBytes), owner);
        return stored;
    }

    /// <summary>What was sealed, or null when the bytes are not ours: another secret, another owner, or tampered with.</summary>
    public byte[]? Open(ReadOnlySpan<byte> stored, ReadOnlySpan<byte> owner)
    {
        if (stored.Length < HeaderBytes || stored[0] != Version)
        {
            return null;
        }

        var plain = new byte[stored.Length - HeaderBytes];
        using var aes = new AesGcm(_key, TagBytes);
        try
        {
            aes.Decrypt(stored.Slice(1, NonceBytes), stored[HeaderBytes..], stored.Slice(1 + NonceBytes, TagBytes), plain, owner);
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }

        return plain;
    }

    /// <summary>A hash that nobody without the secret can guess texts against.</summary>
    public byte[] Fingerprint(ReadOnlySpan<byte> text) => HMACSHA256.HashData(_key, text);
}
