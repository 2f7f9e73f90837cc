using System.Runtime.InteropServices;
using System.Text.Json;
using SaasLlm.Core.Common;

namespace SaasLlm.Core.Llm.Bodies;

/// <summary>What is to be kept of a call that has ended.</summary>
/// <param name="KeepDays">From when it is written.</param>
internal sealed record CallBody(
    string TeamId, CallId CallId, JobId JobId, string ModelGroup, string? ErrorCode, int KeepDays, BodyText Request, BodyText Answer)
{
    // Of the objects around the texts, about.
    private const int BytesBeside = 512;

    /// <summary>What it takes while it waits.</summary>
    public long BytesHeld => BytesBeside + Request.BytesHeld + Answer.BytesHeld;
}

/// <summary>JSON as it was sent, or only its size where it is longer than is kept.</summary>
/// <param name="Bytes">0: there is none.</param>
internal readonly record struct BodyText(JsonElement? Json, int Bytes)
{
    public long BytesHeld => Json is null ? 0 : Bytes;

    public ReadOnlySpan<byte> Utf8 => Json is { } json ? JsonMarshal.GetRawUtf8Value(json) : default;

    public static BodyText Of(JsonElement? json, int bytesMax)
    {
        if (json is not { ValueKind: not JsonValueKind.Undefined } text)
        {
            return default;
        }

        var bytes = JsonMarshal.GetRawUtf8Value(text).Length;
        return new(bytes > bytesMax ? null : text.Clone(), bytes);
    }
}
