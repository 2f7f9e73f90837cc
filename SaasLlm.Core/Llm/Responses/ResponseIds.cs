using System.Buffers.Text;
using System.Text;
using Microsoft.Extensions.Options;
using SaasLlm.Core.Common;
using SaasLlm.Core.Llm.Keys;

namespace SaasLlm.Core.Llm.Responses;

/// <summary>
/// The ids of responses and of their items as a tenant sees them: the gateway's id and the model that gave it, sealed for the team. Whoever
/// is not of the team can read nothing from one and refer to nothing with it, and nothing has to be stored.
/// </summary>
internal sealed class ResponseIds(IOptions<EncryptionOptions> options)
{
    private const int IdLengthMax = 4096;
    private const int PrefixLengthMax = 8;

    private readonly SecretBox _box = new(options.Value.Key, "saasllm response ids v1");

    /// <param name="id">The gateway's, for example <c>msg_1</c>: what stands before its underscore stays.</param>
    public string Seal(string teamId, string model, string id)
        => $"{Prefix(id)}_{Base64Url.EncodeToString(_box.Seal(Encoding.UTF8.GetBytes($"{model}\n{id}"), Encoding.UTF8.GetBytes(teamId)))}";

    /// <summary>The model and the gateway's id; null for what was not given to this team.</summary>
    public (string Model, string Id)? Open(string teamId, string id)
    {
        var start = id.IndexOf('_', StringComparison.Ordinal) + 1;
        if (start == 0 || id.Length > IdLengthMax || !Base64Url.IsValid(id.AsSpan(start)))
        {
            return null;
        }

        return _box.Open(Base64Url.DecodeFromChars(id.AsSpan(start)), Encoding.UTF8.GetBytes(teamId)) is { } plain
               && Encoding.UTF8.GetString(plain).Split('\n', 2) is [var model, var inner]
            ? (model, inner)
            : null;
    }

    private static string Prefix(string id)
    {
        var end = id.IndexOf('_', StringComparison.Ordinal);
        return end is > 0 and <= PrefixLengthMax && id[..end].All(char.IsAsciiLetterLower) ? id[..end] : "item";
    }
}
