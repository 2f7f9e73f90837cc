using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Options;
using SaasLlm.Core.Common;
using SaasLlm.Core.Llm.Keys;

namespace SaasLlm.Core.Idempotency;

/// <summary>Encrypts answers and results, each bound to its row: they hold keys and the text of models.</summary>
internal sealed class IdempotencyCipher(IOptions<EncryptionOptions> options)
{
    private readonly SecretBox _box = new(options.Value.Key, "saasllm idempotency v1");

    /// <summary>What of a request must be the same in a repeat, in 32 bytes that tell nothing of it.</summary>
    public byte[] Fingerprint(KeyedRequest request) => _box.Fingerprint(request.Content());

    public byte[] Seal(StoredAnswer answer, string caller, byte[] scope) => _box.Seal(answer.ToBytes(), Owner("answer", caller, scope));

    /// <summary>Null when the encryption key is another one now.</summary>
    public StoredAnswer? OpenAnswer(int status, byte[] stored, string caller, byte[] scope)
        => _box.Open(stored, Owner("answer", caller, scope)) is { } bytes ? StoredAnswer.FromBytes(status, bytes) : null;

    public byte[] SealResult<T>(T result, string caller, byte[] scope)
        => _box.Seal(JsonSerializer.SerializeToUtf8Bytes(result), Owner("result", caller, scope));

    public T OpenResult<T>(byte[] stored, string caller, byte[] scope)
        => _box.Open(stored, Owner("result", caller, scope)) is { } bytes
            ? JsonSerializer.Deserialize<T>(bytes)!
            : throw new InvalidOperationException("The result of an idempotent request is not readable: the encryption key is another one.");

    private static byte[] Owner(string what, string caller, byte[] scope) => [.. Encoding.UTF8.GetBytes($"{what} of {caller} "), .. scope];
}
