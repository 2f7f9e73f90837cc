using System.ComponentModel.DataAnnotations;
using System.Text;
using Microsoft.Extensions.Options;
using SaasLlm.Core.Common;

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

/// <summary>Encrypts keys for the database, each bound to the team it belongs to.</summary>
public sealed class KeyCipher(IOptions<EncryptionOptions> options)
{
    private readonly SecretBox _box = new(options.Value.Key, "saasllm team gateway keys v1");

    /// <summary>Names this installation at the gateway, and tells nothing of its secret.</summary>
    public string Installation => Convert.ToHexStringLower(_box.Fingerprint("installation"u8))[..16];

    /// <summary>The bytes to store.</summary>
    public byte[] Encrypt(string plain, string teamId) => _box.Seal(Encoding.UTF8.GetBytes(plain), Encoding.UTF8.GetBytes(teamId));

    /// <summary>The key, or null when the bytes are not ours: another encryption key, another team, or tampered with.</summary>
    public string? Decrypt(ReadOnlySpan<byte> stored, string teamId)
        => _box.Open(stored, Encoding.UTF8.GetBytes(teamId)) is { } plain ? Encoding.UTF8.GetString(plain) : null;
}
