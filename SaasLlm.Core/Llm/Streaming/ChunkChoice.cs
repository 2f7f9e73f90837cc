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

    /// <summary>What it thinks, which is billed and not passed on.</summary>
    public string? Reasoning { get; init; }

    /// <summary>Bytes of what it says and thinks.</summary>
    public long TextBytes
        => Bytes(Reasoning) + Bytes(Content) + Bytes(Refusal) + Bytes(ToolCalls?.GetRawText()) + Bytes(FunctionCall?.GetRawText());

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
            reason is null ? null : s_finishReasons.Contains(reason) ? reason : "stop")
        {
            Reasoning = Text(delta, "reasoning_content"),
        };
    }

    /// <summary>The end of a choice that spoke and was never told to have ended.</summary>
    public static ChunkChoice End(int index, string finishReason) => new(index, null, null, null, null, null, finishReason);

    /// <param name="hasRole">It is the choice's first.</param>
    /// <param name="calls">What the stream's calls were named by so far.</param>
    public void Write(Utf8JsonWriter writer, bool hasRole, StreamedCalls calls)
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

        WriteToolCalls(writer, calls);
        if (FunctionCall is { } function)
        {
            WriteFunction(writer, "function_call", function, "arguments", calls.NewName(Index, StreamedCalls.Function, Text(function, "name")));
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

    private void WriteToolCalls(Utf8JsonWriter writer, StreamedCalls seen)
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
            var told = Find(call, "index", JsonValueKind.Number) is { } index && index.TryGetInt32(out var number) && number >= 0 ? number : position;
            var custom = Find(call, "custom", JsonValueKind.Object);
            var content = custom ?? Find(call, "function", JsonValueKind.Object);
            var (id, named) = (Text(call, "id"), content is { } one ? Text(one, "name") : null);
            var place = seen.PlaceOf(Index, told, id, hasName: named is { Length: > 0 });
            writer.WriteNumber("index", place);
            // The id, the type and the name come with the first part of a call; clients add up what comes twice, and some servers send it twice.
            if (id is { Length: > 0 } && seen.IsFirstId(Index, place, id))
            {
                writer.WriteString("id", id);
                writer.WriteString("type", custom is null ? "function" : "custom");
            }

            if (content is { } said)
            {
                var name = seen.NewName(Index, place, named);
                WriteFunction(writer, custom is null ? "function" : "custom", said, custom is null ? "arguments" : "input", name);
            }

            writer.WriteEndObject();
            position++;
        }

        writer.WriteEndArray();
    }

    private static void WriteFunction(Utf8JsonWriter writer, string member, JsonElement function, string text, string? name)
    {
        writer.WriteStartObject(member);
        if (name is not null)
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
