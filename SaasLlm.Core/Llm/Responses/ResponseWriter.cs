using System.Buffers;
using System.Text.Json;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Llm.Formats;
using static SaasLlm.Core.Llm.Responses.ResponseContent;

namespace SaasLlm.Core.Llm.Responses;

/// <summary>
/// Writes the response object anew from what OpenAI's API defines: the model is the group's name, ids are sealed, and what the request
/// said is said again from the request.
/// </summary>
internal sealed class ResponseWriter(JsonElement request, AnswerNames names, Func<string, string> seal)
{
    private readonly Dictionary<string, string> _sealed = new(StringComparer.Ordinal);

    /// <summary>The tenant's id for one of the gateway's: the same each time.</summary>
    public string Id(string? upstream)
    {
        var id = upstream ?? $"resp_{names.CallId.Value:N}";
        return _sealed.TryGetValue(id, out var known) ? known : _sealed[id] = seal(id);
    }

    public JsonElement WriteWhole(JsonElement response, TokenUsage? usage)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            Write(writer, response, Text(response, "status") ?? "completed", hasOutput: true, usage);
        }

        return JsonElement.Parse(buffer.WrittenSpan);
    }

    /// <param name="hasOutput">False for a response that has just begun.</param>
    public void Write(Utf8JsonWriter writer, JsonElement response, string status, bool hasOutput, TokenUsage? usage)
    {
        writer.WriteStartObject();
        writer.WriteString("id", Id(Text(response, "id")));
        writer.WriteString("object", "response");
        writer.WriteNumber("created_at", names.CreatedAt.ToUnixTimeSeconds());
        writer.WriteString("status", status);
        writer.WriteBoolean("background", false);
        writer.WriteNull("error");
        WriteIncomplete(writer, response);
        Copy(writer, request, "instructions");
        Copy(writer, request, "max_output_tokens");
        Copy(writer, request, "max_tool_calls");
        writer.WriteString("model", names.ModelGroup);
        writer.WriteStartArray("output");
        foreach (var item in hasOutput && Find(response, "output", JsonValueKind.Array) is { } output ? output.EnumerateArray() : default)
        {
            ResponseItems.Write(writer, item, Id);
        }

        writer.WriteEndArray();
        Copy(writer, response, "parallel_tool_calls");
        Copy(writer, request, "previous_response_id");
        Copy(writer, request, "prompt_cache_key");
        WriteReasoning(writer, response);
        Copy(writer, request, "safety_identifier");
        Copy(writer, response, "store");
        Copy(writer, response, "temperature");
        CopyObject(writer, response, "text", "{\"format\":{\"type\":\"text\"}}"u8);
        CopyObject(writer, request, "tool_choice", "\"auto\""u8);
        CopyObject(writer, request, "tools", "[]"u8);
        Copy(writer, response, "top_p");
        Copy(writer, response, "truncation");
        WriteUsage(writer, usage);
        Copy(writer, request, "user");
        CopyObject(writer, request, "metadata", "{}"u8);
        writer.WriteEndObject();
    }

    private static void WriteIncomplete(Utf8JsonWriter writer, JsonElement response)
    {
        if (Find(response, "incomplete_details", JsonValueKind.Object) is not { } details)
        {
            writer.WriteNull("incomplete_details");
            return;
        }

        writer.WriteStartObject("incomplete_details");
        writer.WriteString("reason", Text(details, "reason"));
        writer.WriteEndObject();
    }

    private static void WriteReasoning(Utf8JsonWriter writer, JsonElement response)
    {
        var reasoning = Find(response, "reasoning", JsonValueKind.Object) ?? default;
        writer.WriteStartObject("reasoning");
        writer.WriteString("effort", Text(reasoning, "effort"));
        writer.WriteString("summary", Text(reasoning, "summary"));
        writer.WriteEndObject();
    }

    private static void WriteUsage(Utf8JsonWriter writer, TokenUsage? usage)
    {
        if (usage is not { } tokens)
        {
            writer.WriteNull("usage");
            return;
        }

        writer.WriteStartObject("usage");
        writer.WriteNumber("input_tokens", tokens.Input);
        writer.WriteStartObject("input_tokens_details");
        writer.WriteNumber("cached_tokens", tokens.CachedInput);
        writer.WriteEndObject();
        writer.WriteNumber("output_tokens", tokens.Output);
        writer.WriteStartObject("output_tokens_details");
        writer.WriteNumber("reasoning_tokens", tokens.Reasoning);
        writer.WriteEndObject();
        writer.WriteNumber("total_tokens", tokens.Total);
        writer.WriteEndObject();
    }

    private static void Copy(Utf8JsonWriter writer, JsonElement from, string name)
    {
        writer.WritePropertyName(name);
        if (from.ValueKind == JsonValueKind.Object && from.TryGetProperty(name, out var value))
        {
            value.WriteTo(writer);
        }
        else
        {
            writer.WriteNullValue();
        }
    }

    private static void CopyObject(Utf8JsonWriter writer, JsonElement from, string name, ReadOnlySpan<byte> otherwise)
    {
        writer.WritePropertyName(name);
        if (from.ValueKind == JsonValueKind.Object && from.TryGetProperty(name, out var value)
            && value.ValueKind != JsonValueKind.Null && !(value.ValueKind == JsonValueKind.Object && !value.EnumerateObject().Any()))
        {
            value.WriteTo(writer);
        }
        else
        {
            writer.WriteRawValue(otherwise);
        }
    }
}
