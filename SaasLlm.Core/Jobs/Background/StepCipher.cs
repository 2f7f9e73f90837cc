using System.Text;
using Microsoft.Extensions.Options;
using SaasLlm.Core.Common;
using SaasLlm.Core.Llm.Keys;

namespace SaasLlm.Core.Jobs.Background;

/// <summary>Encrypts what background jobs ask and what they are answered, each bound to its row: prompts are never plain in our tables.</summary>
internal sealed class StepCipher(IOptions<EncryptionOptions> options)
{
    private readonly SecretBox _box = new(options.Value.Key, "saasllm background steps v1");

    public byte[] Seal(string what, StepId step, ReadOnlySpan<byte> plain) => _box.Seal(plain, Owner(what, step));

    /// <exception cref="InvalidOperationException">The encryption key is another one now.</exception>
    public byte[] Open(string what, StepId step, ReadOnlySpan<byte> stored)
        => _box.Open(stored, Owner(what, step))
            ?? throw new InvalidOperationException("A background step is not readable: the encryption key is another one.");

    private static byte[] Owner(string what, StepId step) => Encoding.UTF8.GetBytes($"{what} of {step.TeamId} {step.JobId} {step.Ordinal}");
}

/// <summary>What is sealed of a step.</summary>
internal static class Sealed
{
    public const string Request = "request";
    public const string Output = "output";
    public const string CallEnd = "call_end";

    /// <summary>Of a batch: bound to no step of it.</summary>
    public const string Template = "template";
}

/// <summary>A step's key.</summary>
/// <param name="Ordinal">-1: what all steps of the job share.</param>
internal readonly record struct StepId(string TeamId, JobId JobId, int Ordinal)
{
    public static StepId Shared(string teamId, JobId jobId) => new(teamId, jobId, -1);
}
