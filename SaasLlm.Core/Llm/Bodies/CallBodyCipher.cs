using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Options;
using SaasLlm.Core.Common;
using SaasLlm.Core.Llm.Keys;

namespace SaasLlm.Core.Llm.Bodies;

/// <summary>Encrypts what calls ask and are answered, each bound to its call.</summary>
internal sealed class CallBodyCipher(IOptions<EncryptionOptions> options)
{
    public const string Request = "request";
    public const string Answer = "answer";

    private readonly SecretBox _box = new(options.Value.Key, "saasllm call bodies v1");

    public byte[] Seal(string what, string teamId, Guid callId, ReadOnlySpan<byte> plain) => _box.Seal(plain, Owner(what, teamId, callId));

    /// <summary>Null: the encryption key is another one now.</summary>
    public JsonElement? Open(string what, string teamId, Guid callId, byte[] stored)
        => _box.Open(stored, Owner(what, teamId, callId)) is { } plain ? JsonElement.Parse(plain) : null;

    private static byte[] Owner(string what, string teamId, Guid callId) => Encoding.UTF8.GetBytes($"{what} of {teamId} {callId}");
}
