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
    private static readonly HashSet<string> s_finishReasons = ["stop", "length", "tool_calls", "content_filter", "function_call"];

    /// <summary>The answer for the tenant. Throws <see cref="InvalidOperationException"/> for text that no JSON writer can write.</summary>
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
            foreach (var choice in upstream.GetProperty("choices").EnumerateArray().Where(choice => choice.ValueKind == JsonValueKind.Object))
            {
                WriteChoice(writer, choice, index++);
            }

            writer.WriteEndArray();
            WriteUsage(writer, usage ?? default);
            writer.WriteEndObject();
        }

        return JsonElement.Parse(buffer.WrittenSpan);
    }

    private static void WriteChoice(Utf8JsonWriter writer, JsonElement choice, int position)
    {
        writer.WriteStartObject();
        writer.WriteNumber("index", Find(choice, "index", JsonValueKind.Number) is { } index && index.TryGetInt32(out var number) ? number : position);
        WriteMessage(writer, Find(choice, "message", JsonValueKind.Object));
        if (Find(choice, "logprobs", JsonValueKind.Object) is { } logprobs)
        {
            writer.WritePropertyName("logprobs");
            logprobs.WriteTo(writer);
        }

        var reason = Find(choice, "finish_reason", JsonValueKind.String)?.GetString() ?? "stop";
        writer.WriteString("finish_reason", s_finishReasons.Contains(reason) ? reason : "stop");
        writer.WriteEndObject();
    }

    private static void WriteMessage(Utf8JsonWriter writer, JsonElement? said)
    {
        writer.WriteStartObject("message");
        writer.WriteString("role", "assistant");
        if (said is not { } message)
        {
            writer.WriteString("content", "");
            writer.WriteEndObject();
            return;
        }

        var refusal = AnswerContent.Refusal(message);
        var calls = Find(message, "tool_calls", JsonValueKind.Array);
        var function = Find(message, "function_call", JsonValueKind.Object);
        var hasCall = calls?.GetArrayLength() > 0 || function is not null;
        if ((Find(message, "content", JsonValueKind.String) ?? Find(message, "content", JsonValueKind.Array)) is { } content)
        {
            writer.WritePropertyName("content");
            content.WriteTo(writer);
        }
        else if (hasCall || refusal is { Length: > 0 })
        {
            writer.WriteNull("content");
        }
        else
        {
            // Clients take a content of null for a tool call.
            writer.WriteString("content", "");
        }

        writer.WriteString("refusal", refusal);
        WriteCalls(writer, calls);
        if (function is { } called)
        {
            writer.WritePropertyName("function_call");
            WriteFunction(writer, called);
        }

        if (Find(message, "annotations", JsonValueKind.Array) is { } annotations)
        {
            writer.WritePropertyName("annotations");
            annotations.WriteTo(writer);
        }

        writer.WriteEndObject();
    }

    private static void WriteCalls(Utf8JsonWriter writer, JsonElement? calls)
    {
        if (calls is not { } list || list.GetArrayLength() == 0)
        {
            return;
        }

        writer.WriteStartArray("tool_calls");
        var index = 0;
        foreach (var call in list.EnumerateArray().Where(call => call.ValueKind == JsonValueKind.Object))
        {
            writer.WriteStartObject();
            writer.WriteString("id", Find(call, "id", JsonValueKind.String)?.GetString() ?? $"call_{index}");
            if (Find(call, "custom", JsonValueKind.Object) is { } custom)
            {
                writer.WriteString("type", "custom");
                writer.WriteStartObject("custom");
                writer.WriteString("name", Find(custom, "name", JsonValueKind.String)?.GetString());
                writer.WriteString("input", Find(custom, "input", JsonValueKind.String)?.GetString() ?? "");
                writer.WriteEndObject();
            }
            else
            {
                writer.WriteString("type", "function");
                writer.WritePropertyName("function");
                WriteFunction(writer, Find(call, "function", JsonValueKind.Object) ?? default);
            }

            writer.WriteEndObject();
            index++;
        }

        writer.WriteEndArray();
    }

    // The arguments are a text that holds JSON; some servers write the JSON itself.
    private static void WriteFunction(Utf8JsonWriter writer, JsonElement function)
    {
        writer.WriteStartObject();
        writer.WriteString("name", Find(function, "name", JsonValueKind.String)?.GetString() ?? "");
        var arguments = Find(function, "arguments", JsonValueKind.String)?.GetString()
            ?? Find(function, "arguments", JsonValueKind.Object)?.GetRawText() ?? "{}";
        writer.WriteString("arguments", arguments);
        writer.WriteEndObject();
    }

    private static JsonElement? Find(JsonElement element, string name, JsonValueKind kind)
        => element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == kind ? value : null;

    private static void WriteUsage(Utf8JsonWriter writer, TokenUsage tokens)
    {
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
