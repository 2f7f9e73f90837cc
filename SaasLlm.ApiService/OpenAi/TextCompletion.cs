using System.Text.Json;
using System.Text.Json.Serialization;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Llm;

namespace SaasLlm.ApiService.OpenAi;

/// <summary>A legacy completion, made of a chat's answer or of one of its chunks.</summary>
internal sealed record TextCompletion(
    string Id, string Object, long Created, string Model, IReadOnlyList<TextChoice> Choices,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] TextUsage? Usage = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] UsageJob? Saasllm = null)
{
    private const string Prefix = "chatcmpl-";

    public static TextCompletion Of(LlmAnswer answer) => Of(answer.Response, answer.Usage);

    /// <param name="usage">Null: it is a stream's, as far as it came.</param>
    public static TextCompletion Of(JsonElement chat, TokenUsage? usage)
        => Of(chat, "message", finishOtherwise: usage is null ? null : "stop") with { Usage = usage is { } used ? TextUsage.Of(used) : null };

    public static TextCompletion OfChunk(ReadOnlyMemory<byte> chunk) => Of(JsonElement.Parse(chunk.Span), "delta", finishOtherwise: null);

    public static TextCompletion Last(LlmAnswer answer, JobId job, DateTimeOffset created) => new(
        $"cmpl-{answer.CallId.Value:N}", "text_completion", created.ToUnixTimeSeconds(), answer.ModelGroup, [],
        TextUsage.Of(answer.Usage), UsageJob.Of(answer, job));

    private static TextCompletion Of(JsonElement chat, string said, string? finishOtherwise) => new(
        "cmpl-" + chat.GetProperty("id").GetString()![Prefix.Length..],
        "text_completion",
        chat.GetProperty("created").GetInt64(),
        chat.GetProperty("model").GetString()!,
        [.. chat.GetProperty("choices").EnumerateArray().Select(choice => new TextChoice(
            Text(choice.GetProperty(said), "content") ?? Text(choice.GetProperty(said), "refusal") ?? "",
            choice.GetProperty("index").GetInt32(),
            null,
            Text(choice, "finish_reason") ?? finishOtherwise))]);

    private static string? Text(JsonElement element, string name)
        => element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}

/// <param name="Logprobs">Always null: not offered.</param>
/// <param name="FinishReason">Null before the last chunk.</param>
internal sealed record TextChoice(string Text, int Index, object? Logprobs, string? FinishReason);

internal sealed record TextUsage(long PromptTokens, long CompletionTokens, long TotalTokens)
{
    public static TextUsage Of(TokenUsage usage) => new(usage.Input, usage.Output, usage.Total);
}
