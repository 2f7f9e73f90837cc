using System.Buffers;
using System.Text.Json;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Llm.Answers;
using SaasLlm.Core.Llm.Requests;
using SaasLlm.Core.Llm.Streaming;
using SaasLlm.Core.ModelGroups;

namespace SaasLlm.Core.Llm.Formats;

/// <summary>
/// Embeddings. Not every provider knows base64, so the gateway is asked for numbers, and what the client asked for is made here; a
/// provider that answers in base64 all the same is understood too.
/// </summary>
internal sealed class EmbeddingsFormat(JsonElement request) : CallFormat
{
    private readonly bool _isBase64 = FieldChecks.Text(request, "encoding_format") == "base64";
    private readonly int _inputs = EmbeddingFields.CountInputs(request);

    public override string Path => "v1/embeddings";

    public override string Operation => "embeddings";

    public override RequestFields Fields => EmbeddingFields.All;

    public override string? OutputLimitField => null;

    public override (string Field, string Sentence)? FirstFault(JsonElement body, GroupSettings settings) => EmbeddingFields.FirstFault(body);

    public override RequestSize SizeOf(JsonElement body) => new(null, 0, EmbeddingFields.CountedTokens(body.GetProperty("input")));

    public override ReadOnlySpan<byte> Mode(bool isStream) => [];

    public override bool HasResult(JsonElement answer)
        => answer.ValueKind == JsonValueKind.Object
           && (!answer.TryGetProperty("error", out var error) || error.ValueKind == JsonValueKind.Null)
           && answer.TryGetProperty("data", out var data) && data.ValueKind == JsonValueKind.Array
           && data.GetArrayLength() == _inputs && data.EnumerateArray().All(IsVector);

    public override TokenUsage? Usage(JsonElement answer) => AnswerContent.Usage(answer);

    public override JsonElement Write(JsonElement answer, AnswerNames names, TokenUsage? usage)
    {
        var buffer = new ArrayBufferWriter<byte>(4096);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("object", "list");
            writer.WriteStartArray("data");
            // Some clients take the vectors in the order in which they come.
            foreach (var (index, vector) in Vectors(answer).OrderBy(item => item.Index))
            {
                writer.WriteStartObject();
                writer.WriteString("object", "embedding");
                writer.WriteNumber("index", index);
                VectorWriter.Write(writer, "embedding", vector, _isBase64);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteString("model", names.ModelGroup);
            writer.WriteStartObject("usage");
            writer.WriteNumber("prompt_tokens", usage?.Input ?? 0);
            writer.WriteNumber("total_tokens", usage?.Input ?? 0);
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        return JsonElement.Parse(buffer.WrittenSpan);
    }

    public override AnswerReader NewReader(AnswerNames names) => throw new NotSupportedException("Embeddings do not stream.");

    private static IEnumerable<(int Index, JsonElement Vector)> Vectors(JsonElement answer)
        => answer.GetProperty("data").EnumerateArray().Select((item, position) => (
            item.TryGetProperty("index", out var given) && given.ValueKind == JsonValueKind.Number && given.TryGetInt32(out var index) ? index : position,
            item.GetProperty("embedding")));

    private static bool IsVector(JsonElement item)
        => item.ValueKind == JsonValueKind.Object && item.TryGetProperty("embedding", out var vector) && vector.ValueKind switch
        {
            JsonValueKind.Array => vector.GetArrayLength() > 0 && vector.EnumerateArray().All(number => number.ValueKind == JsonValueKind.Number),
            JsonValueKind.String => vector.TryGetBytesFromBase64(out var bytes) && bytes.Length is > 0 and var length && length % sizeof(float) == 0,
            _ => false,
        };
}
