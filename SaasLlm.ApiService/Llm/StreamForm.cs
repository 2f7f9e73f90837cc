using System.Text;
using System.Text.Json;
using SaasLlm.ApiService.OpenAi;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Json;
using SaasLlm.Core.Common;
using SaasLlm.Core.Llm;
using SaasLlm.Core.Llm.Streaming;

namespace SaasLlm.ApiService.Llm;

/// <summary>How a stream's chunks and its end are written.</summary>
internal abstract class StreamForm
{
    /// <summary>A chunk, as it is sent.</summary>
    public abstract ReadOnlyMemory<byte> Chunk(ReadOnlyMemory<byte> chunk);

    /// <summary>What ends a stream whose call is saved.</summary>
    public abstract IEnumerable<ReadOnlyMemory<byte>> Succeeded(LlmAnswer answer);

    /// <summary>What ends a stream that failed: never in good order.</summary>
    public abstract ReadOnlyMemory<byte> Failed(LlmStream stream, Failure failure);

    protected static byte[] Event(ReadOnlySpan<byte> json) => [.. "data: "u8, .. json, .. "\n\n"u8];

    protected static byte[] Event(string name, ReadOnlySpan<byte> json) => [.. Encoding.UTF8.GetBytes($"event: {name}\n"), .. Event(json)];
}

/// <summary>Chat chunks: JSON, then what <paramref name="last"/> adds, then <c>[DONE]</c>; a failure is an event with <c>error</c>, and no <c>[DONE]</c>.</summary>
internal sealed class ChatStreamForm(Func<LlmAnswer, IEnumerable<object>> last) : StreamForm
{
    public override ReadOnlyMemory<byte> Chunk(ReadOnlyMemory<byte> chunk) => Event(chunk.Span);

    public override IEnumerable<ReadOnlyMemory<byte>> Succeeded(LlmAnswer answer)
        => [.. last(answer).Select(item => (ReadOnlyMemory<byte>)Event(JsonSerializer.SerializeToUtf8Bytes(item, ApiJson.Options))), Event("[DONE]"u8)];

    public override ReadOnlyMemory<byte> Failed(LlmStream stream, Failure failure)
    {
        var document = OpenAiError.Document(Problem.StatusOf(failure.Kind), failure.Code, failure.Message, failure.Details);
        // OpenAI's library for .NET knows no errors in streams: it would read this event as an empty chunk, and half an answer as a whole
        // one. Choices that are no list stop it; the others look at the error first.
        document["choices"] = null;
        return Event(JsonSerializer.SerializeToUtf8Bytes(document, ApiJson.Options));
    }
}
