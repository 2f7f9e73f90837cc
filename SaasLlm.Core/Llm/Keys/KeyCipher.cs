using System.ComponentModel.DataAnnotations;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;

namespace SaasLlm.Core.Llm.Keys;

/// <summary>The secret under which stored keys are encrypted.</summary>
public sealed class EncryptionOptions
{
    public const string Section = "Encryption";

    /// <summary>Any text of at least 16 characters; another one makes what is stored unreadable.</summary>
    [Required]
    [MinLength(16, ErrorMessage = "Encryption:Key needs at least 16 characters.")]
    public string Key { get; set; } = "";
}

/// <summary>Encrypts keys for the database: AES-256-GCM, bound to the team they belong to. Layout: version, nonce (12), tag (16), text.</summary>
public sealed class KeyCipher(IOptions<EncryptionOptions> options)
{
    private const byte Version = 1;
    private const int NonceBytes = 12;
    private const int TagBytes = 16;
    private const int HeaderBytes = 1 + NonceBytes + TagBytes;

    private readonly byte[] _key = HKDF.DeriveKey(
        HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(options.Value.Key), 32, info: "saasllm team gateway keys v1"u8.ToArray());

    /// <summary>The bytes to store.</summary>
    public byte[] Encrypt(string plain, string teamId)
    {
        var text = Encoding.UTF8.GetBytes(plain);
        var stored = new byte[HeaderBytes + text.Length];
        stored[0] = Version;
        var nonce = stored.AsSpan(1, NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        using var aes = new AesGcm(_key, TagBytes);
        aes.Encrypt(nonce, text, stored.AsSpan(HeaderBytes), stored.AsSpan(1 + NonceBytes, TagBytes), Encoding.UTF8.GetBytes(teamId));
        return stored;
    }

    /// <summary>The key, or null when the bytes are not ours: another encryption key, another team, or tampered with.</summary>
    public string? Decrypt(ReadOnlySpan<byte> stored, string teamId)
    {
        if (stored.Length < HeaderBytes || stored[0] != Version)
        {
            return null;
        }

        var text = new byte[stored.Length - HeaderBytes];
        using var aes = new AesGcm(_key, TagBytes);
        try
        {
            aes.Decrypt(stored.Slice(1, NonceBytes), stored[HeaderBytes..], stored.Slice(1 + NonceBytes, TagBytes), text, Encoding.UTF8.GetBytes(teamId));
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }

        return Encoding.UTF8.GetString(text);
    }
}
