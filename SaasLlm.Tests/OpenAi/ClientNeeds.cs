using System.Text.Json.Nodes;

namespace SaasLlm.Tests.OpenAi;

/// <summary>What at least one client needs of an answer; a sentence for each that is missing.</summary>
internal static class ClientNeeds
{
    private static readonly HashSet<string> s_reasons = ["stop", "length", "tool_calls", "content_filter", "function_call"];

    public static IEnumerable<string> OfChat(JsonNode answer, string model)
    {
        yield return Need(IsText(answer["id"]) && (string)answer["object"]! == "chat.completion" && answer["created"] is JsonValue && (string)answer["model"]! == model, "id, object, created, model");
        yield return OfUsage(answer["usage"], "prompt_tokens", "completion_tokens");
        yield return Need(answer["choices"] is JsonArray { Count: > 0 }, "choices");
        foreach (var choice in answer["choices"]!.AsArray())
        {
            var message = choice!["message"]!;
            yield return Need(choice["index"] is JsonValue && s_reasons.Contains((string)choice["finish_reason"]!) && (string)message["role"]! == "assistant", "index, finish_reason, role");
            var calls = message["tool_calls"] as JsonArray;
            yield return Need(message["content"] is not null || calls is { Count: > 0 } || message["function_call"] is not null, "content, or a call");
            foreach (var call in calls ?? [])
            {
                yield return Need(IsText(call!["id"]) && (string)call["type"]! == "function" && IsText(call["function"]!["name"]) && call["function"]!["arguments"] is JsonValue arguments
                    && arguments.GetValueKind() == System.Text.Json.JsonValueKind.String, "id, type, name and arguments of a tool call");
            }
        }
    }

    public static IEnumerable<string> OfChatStream(string text, string model, bool wantsUsage)
    {
        var events = Events(text);
        yield return Need(events[^1] == "[DONE]" && text.EndsWith("\n\n", StringComparison.Ordinal), "[DONE] last");
        var chunks = events[..^1].Select(item => JsonNode.Parse(item)!).ToList();
        yield return Need(chunks.TrueForAll(chunk => IsText(chunk["id"]) && (string)chunk["object"]! == "chat.completion.chunk" && chunk["created"] is JsonValue && (string)chunk["model"]! == model), "id, object, created, model");
        var usages = chunks.Where(chunk => chunk["usage"] is not null).ToList();
        yield return Need(usages.Count == (wantsUsage ? 1 : 0) && usages.TrueForAll(chunk => chunk["choices"] is JsonArray { Count: 0 }), "usage once, with no choices");
        var choices = chunks.SelectMany(chunk => chunk["choices"]!.AsArray()).ToList();
        foreach (var choice in choices.GroupBy(choice => (int)choice!["index"]!))
        {
            yield return Need(choice.Select(part => part!["delta"]!["role"] is not null).SequenceEqual(choice.Select((_, position) => position == 0)), "the role in the first delta only");
            var calls = choice.SelectMany(part => part!["delta"]!["tool_calls"] as JsonArray ?? []).ToList();
            yield return Need(calls.TrueForAll(call => call!["index"] is JsonValue) && calls.Where(call => call!["id"] is not null).Select(call => (int)call!["index"]!).Distinct().Count() == calls.Count(call => call!["id"] is not null), "a tool call's index always, its id once");
        }

        yield return Need(choices.Exists(choice => s_reasons.Contains((string?)choice!["finish_reason"] ?? "")), "a finish_reason");
    }

    public static IEnumerable<string> OfText(JsonNode answer, string model)
    {
        yield return Need(IsText(answer["id"]) && (string)answer["object"]! == "text_completion" && answer["created"] is JsonValue && (string)answer["model"]! == model, "id, object, created, model");
        yield return OfUsage(answer["usage"], "prompt_tokens", "completion_tokens");
        var choice = answer["choices"]![0]!;
        yield return Need(IsText(choice["text"]) && choice["index"] is JsonValue && choice.AsObject().ContainsKey("logprobs") && s_reasons.Contains((string)choice["finish_reason"]!), "text, index, logprobs, finish_reason");
    }

    public static IEnumerable<string> OfTextStream(string text, string model)
    {
        var events = Events(text);
        yield return Need(events[^1] == "[DONE]", "[DONE] last");
        var chunks = events[..^1].Select(item => JsonNode.Parse(item)!).ToList();
        yield return Need(chunks.TrueForAll(chunk => (string)chunk["object"]! == "text_completion" && (string)chunk["model"]! == model), "object, model");
        yield return Need(string.Concat(chunks.SelectMany(chunk => chunk["choices"]!.AsArray()).Select(choice => (string)choice!["text"]!)).Length > 0, "a text");
        yield return Need(s_reasons.Contains((string?)chunks[^1]["choices"]![0]!["finish_reason"] ?? ""), "a finish_reason");
    }

    public static IEnumerable<string> OfEmbeddings(JsonNode answer, JsonNode request, string model)
    {
        yield return Need((string)answer["object"]! == "list" && (string)answer["model"]! == model, "object, model");
        yield return Need((int)answer["usage"]!["prompt_tokens"]! > 0 && (int)answer["usage"]!["total_tokens"]! > 0, "usage");
        var input = request["input"] as JsonArray;
        var count = input is not null && input[0]!.GetValueKind() != System.Text.Json.JsonValueKind.Number ? input.Count : 1;
        var data = answer["data"]!.AsArray();
        yield return Need(data.Select(item => (int)item!["index"]!).SequenceEqual(Enumerable.Range(0, count)), "a vector for each text, in their order");
        // Floats answered to base64 become [0] without an error in three clients.
        yield return Need(data.All(item => (string)item!["object"]! == "embedding" && item["embedding"] is JsonArray != ((string?)request["encoding_format"] == "base64")), "the form that was asked for");
    }

    public static IEnumerable<string> OfResponse(JsonNode answer, string model)
    {
        yield return Need(IsText(answer["id"]) && (string)answer["object"]! == "response" && answer["created_at"] is JsonValue && (string)answer["model"]! == model, "id, object, created_at, model");
        yield return Need((string)answer["status"]! is "completed" or "incomplete", "status");
        yield return OfUsage(answer["usage"], "input_tokens", "output_tokens");
        yield return Need(answer["output"] is JsonArray { Count: > 0 } && answer["tools"] is JsonArray && answer["metadata"] is JsonObject, "output, tools, metadata");
        foreach (var item in answer["output"]!.AsArray())
        {
            yield return Need(IsText(item!["id"]), "output[].id");
            yield return Need((string)item["type"]! != "function_call" || (IsText(item["call_id"]) && IsText(item["name"]) && IsText(item["arguments"])), "call_id, name and arguments of a tool call");
            foreach (var part in item["content"] as JsonArray ?? [])
            {
                yield return Need((string)part!["type"]! != "output_text" || part["annotations"] is JsonArray, "content[].annotations");
            }
        }
    }

    public static IEnumerable<string> OfResponseStream(string text, string model)
    {
        var frames = text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Where(frame => frame[0] != ':').Select(frame => frame.Split("\ndata: ")).ToList();
        var events = frames.ConvertAll(frame => JsonNode.Parse(frame[1])!);
        yield return Need(frames.Select(frame => frame[0]).SequenceEqual(events.Select(item => $"event: {(string)item["type"]!}")), "names of events");
        yield return Need((string)events[0]["type"]! == "response.created" && (string)events[^1]["type"]! is "response.completed" or "response.incomplete", "response.created first, response.completed last");
        yield return Need(events.Select(item => (int)item["sequence_number"]!).SequenceEqual(Enumerable.Range(0, events.Count)), "sequence numbers");
        foreach (var missing in OfResponse(events[^1]["response"]!, model))
        {
            yield return missing;
        }
    }

    /// <summary>Bare problem+json loses its text in OpenAI's own SDKs.</summary>
    public static IEnumerable<string> OfError(JsonNode answer)
    {
        var error = answer["error"] as JsonObject;
        yield return Need(error is not null && answer.AsObject().Count == 1 && IsText(error["message"]) && IsText(error["type"]) && IsText(error["code"]) && error.ContainsKey("param"), "error {message, type, param, code}");
    }

    private static string[] Events(string text)
        => [.. text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Where(part => part[0] != ':').Select(part => part.StartsWith("data: ", StringComparison.Ordinal) ? part["data: ".Length..] : throw new FormatException(part))];

    private static string OfUsage(JsonNode? usage, string input, string output)
        => Need(usage is not null && (int)usage[input]! > 0 && (int)usage[output]! > 0 && (int)usage["total_tokens"]! == (int)usage[input]! + (int)usage[output]!, "usage");

    private static bool IsText(JsonNode? node) => node is JsonValue value && value.GetValueKind() == System.Text.Json.JsonValueKind.String && value.GetValue<string>().Length > 0;

    private static string Need(bool isThere, string what) => isThere ? "" : what;
}
