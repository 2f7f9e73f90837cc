using System.Text.Json;
using SaasLlm.ApiService.Llm;
using SaasLlm.ApiService.Platform.Json;
using SaasLlm.Core.Common;
using SaasLlm.Core.Llm;
using SaasLlm.Core.Llm.Streaming;

namespace SaasLlm.ApiService.OpenAi;

/// <summary>The chunks of a legacy completion; its end is that of a chat.</summary>
internal sealed class TextStreamForm(Func<LlmAnswer, IEnumerable<object>> last) : StreamForm
{
    private readonly ChatStreamForm _chat = new(last);

    public override ReadOnlyMemory<byte> Chunk(ReadOnlyMemory<byte> chunk) => Event(JsonSerializer.SerializeToUtf8Bytes(TextCompletion.OfChunk(chunk), ApiJson.Options));

    public override IEnumerable<ReadOnlyMemory<byte>> Succeeded(LlmAnswer answer) => _chat.Succeeded(answer);

    public override ReadOnlyMemory<byte> Failed(LlmStream stream, Failure failure) => _chat.Failed(stream, failure);
}
