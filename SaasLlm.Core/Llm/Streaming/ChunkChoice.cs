using System.Text;
using System.Text.Json;

namespace SaasLlm.Core.Llm.Streaming;

/// <summary>One choice of an upstream chunk: what OpenAI's API knows of it.</summary>
internal sealed record ChunkChoice(
    int Index, string? Content, string? Refusal, JsonElement? ToolCalls, JsonElement? FunctionCall, JsonElement? Logprobs, string? FinishReason)
{
    private static readonly HashSet<string> s_finishReasons = ["stop", "length", "tool_calls", "content_filter", "function_call"];

    /// <summary>It gives something that a client has to take.</summary>
    public bool IsContent
        => Content is { Length: > 0 } || Refusal is { Length: > 0 } || ToolCalls is not null || FunctionCall is not null || FinishReason == "content_filter";

    /// <summary>Bytes of what it says.</summary>
    public long TextBytes
        => Bytes(Content) + Bytes(Refusal) + Bytes(ToolCalls?.GetRawText()) + Bytes(FunctionCall?.GetRawText());

    public bool IsWorthSending => IsContent || FinishReason is not null;

    /// <summary>Null when it is no choice.</summary>
    public static ChunkChoice? Read(JsonElement choice)
    {
        if (choice.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        var delta = Find(choice, "delta", JsonValueKind.Object) ?? default;
        var moved = Find(delta, "provider_specific_fields", JsonValueKind.Object) ?? default;
        var calls = Find(delta, "tool_calls", JsonValueKind.Array);
        var reason = Text(choice, "finish_reason");
        return new(
            Find(choice, "index", JsonValueKind.Number) is { } index && index.TryGetInt32(out var number) && number >= 0 ? number : 0,
            Text(delta, "content"),
            Text(delta, "refusal") ?? Text(moved, "refusal"),
            calls is { } list && list.GetArrayLength() > 0 ? calls : null,
            Find(delta, "function_call", JsonValueKind.Object),
            Find(choice, "logprobs", JsonValueKind.Object),
            reason is null ? null : s_finishReasons.Contains(reason) ? reason : "stop");
    }

    public void Write(Utf8JsonWriter writer, bool hasRole)
    {
        writer.WriteStartObject();
        writer.WriteNumber("index", Index);
        writer.WriteStartObject("delta");
        if (hasRole)
        {
            writer.WriteString("role", "assistant");
        }

        if (Content is not null || (hasRole && ToolCalls is null && FunctionCall is null && Refusal is null))
        {
            writer.WriteString("content", Content ?? "");
        }

        if (Refusal is not null)
        {
            writer.WriteString("refusal", Refusal);
        }

        WriteToolCalls(writer);
        if (FunctionCall is { } function)
        {
            WriteFunction(writer, "function_call", function, "arguments");
        }

        writer.WriteEndObject();
        if (Logprobs is { } logprobs)
        {
            writer.WritePropertyName("logprobs");
            logprobs.WriteTo(writer);
        }

        writer.WriteString("finish_reason", FinishReason);
        writer.WriteEndObject();
    }

    private void WriteToolCalls(Utf8JsonWriter writer)
    {
        if (ToolCalls is not { } calls)
        {
            return;
        }

        writer.WriteStartArray("tool_calls");
        var position = 0;
        foreach (var call in calls.EnumerateArray().Where(call => call.ValueKind == JsonValueKind.Object))
        {
            writer.WriteStartObject();
            writer.WriteNumber("index", Find(call, "index", JsonValueKind.Number) is { } index && index.TryGetInt32(out var number) ? number : position);
            var custom = Find(call, "custom", JsonValueKind.Object);
            // The id, the type and the name come with the first part of a call; clients add up what comes twice.
            if (Text(call, "id") is { Length: > 0 } id)
            {
                writer.WriteString("id", id);
                writer.WriteString("type", custom is null ? "function" : "custom");
            }

            if (custom is { } tool)
            {
                WriteFunction(writer, "custom", tool, "input");
            }
            else if (Find(call, "function", JsonValueKind.Object) is { } function)
            {
                WriteFunction(writer, "function", function, "arguments");
            }

            writer.WriteEndObject();
            position++;
        }

        writer.WriteEndArray();
    }

    private static void WriteFunction(Utf8JsonWriter writer, string member, JsonElement function, string text)
    {
        writer.WriteStartObject(member);
        if (Text(function, "name") is { Length: > 0 } name)
        {
            writer.WriteString("name", name);
        }

        // Some servers write the arguments as JSON instead of a text that holds it.
        writer.WriteString(text, Text(function, text) ?? Find(function, text, JsonValueKind.Object)?.GetRawText() ?? "");
        writer.WriteEndObject();
    }

    private static long Bytes(string? text) => text is null ? 0 : Encoding.UTF8.GetByteCount(text);

    private static string? Text(JsonElement element, string name) => Find(element, name, JsonValueKind.String)?.GetString();

    private static JsonElement? Find(JsonElement element, string name, JsonValueKind kind)
        => element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == kind ? value : null;
}
