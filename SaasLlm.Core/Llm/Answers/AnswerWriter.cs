using System.Buffers;
using System.Text.Json;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;

namespace SaasLlm.Core.Llm.Answers;

/// <summary>
/// Writes a chat completion anew from what OpenAI's API defines: the model is the group's name, the id is the call's;
/// the provider's own fields, cost and fingerprint are dropped.
/// </summary>
public static class AnswerWriter
{
    private static readonly HashSet<string> s_messageFields =
        ["role", "content", "refusal", "tool_calls", "function_call", "annotations", "audio", "reasoning_content"];

    private static readonly HashSet<string> s_finishReasons = ["stop", "length", "tool_calls", "content_filter", "function_call"];

    /// <summary>The answer for the tenant.</summary>
    public static JsonElement Write(JsonElement upstream, CallId callId, string modelGroup, DateTimeOffset createdAt, TokenUsage? usage)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("id", $"chatcmpl-{callId.Value:N}");
            writer.WriteString("object", "chat.completion");
            writer.WriteNumber("created", createdAt.ToUnixTimeSeconds());
            writer.WriteString("model", modelGroup);
            writer.WriteStartArray("choices");
            var index = 0;
            foreach (var choice in upstream.GetProperty("choices").EnumerateArray())
            {
                WriteChoice(writer, choice, index++);
            }

            writer.WriteEndArray();
            WriteUsage(writer, usage);
            writer.WriteEndObject();
        }

        return JsonElement.Parse(buffer.WrittenSpan);
    }

    private static void WriteChoice(Utf8JsonWriter writer, JsonElement choice, int position)
    {
        writer.WriteStartObject();
        writer.WriteNumber("index", choice.TryGetProperty("index", out var index) && index.TryGetInt32(out var number) ? number : position);
        writer.WriteStartObject("message");
        var message = choice.TryGetProperty("message", out var said) && said.ValueKind == JsonValueKind.Object ? said : default;
        writer.WriteString("role", "assistant");
        var hasContent = false;
        if (message.ValueKind == JsonValueKind.Object)
        {
            foreach (var field in message.EnumerateObject().Where(field => field.Name != "role" && s_messageFields.Contains(field.Name)))
            {
                hasContent |= field.Name == "content";
                field.WriteTo(writer);
            }
        }

        if (!hasContent)
        {
            writer.WriteNull("content");
        }

        writer.WriteEndObject();
        if (choice.TryGetProperty("logprobs", out var logprobs) && logprobs.ValueKind == JsonValueKind.Object)
        {
            writer.WritePropertyName("logprobs");
            logprobs.WriteTo(writer);
        }

        var reason = choice.TryGetProperty("finish_reason", out var finish) && finish.ValueKind == JsonValueKind.String ? finish.GetString()! : "stop";
        writer.WriteString("finish_reason", s_finishReasons.Contains(reason) ? reason : "stop");
        writer.WriteEndObject();
    }

    private static void WriteUsage(Utf8JsonWriter writer, TokenUsage? usage)
    {
        if (usage is not { } tokens)
        {
            return;
        }

        writer.WriteStartObject("usage");
        writer.WriteNumber("prompt_tokens", tokens.Input);
        writer.WriteNumber("completion_tokens", tokens.Output);
        writer.WriteNumber("total_tokens", tokens.Total);
        writer.WriteStartObject("prompt_tokens_details");
        writer.WriteNumber("cached_tokens", tokens.CachedInput);
        writer.WriteEndObject();
        writer.WriteStartObject("completion_tokens_details");
        writer.WriteNumber("reasoning_tokens", tokens.Reasoning);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }
}
