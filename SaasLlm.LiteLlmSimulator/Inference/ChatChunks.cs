using System.Text.Json.Nodes;
using SaasLlm.LiteLlmSimulator.Http;

namespace SaasLlm.LiteLlmSimulator.Inference;

/// <summary>The chunks of a chat stream: an empty one with the role, a word each, the finish, and usage where it is wanted.</summary>
internal static class ChatChunks
{
    public static IReadOnlyList<JsonObject> Of(InferenceCall call, Echo echo, int count, string id, DateTimeOffset now, bool alwaysUsage)
    {
        var chunks = new List<JsonObject>();

        // Recorded: only the first of several choices gets a role and a finish_reason.
        if (echo.ToolCall is null)
        {
            chunks.Add(Chunk(Choice(0, new JsonObject { ["content"] = "", ["role"] = "assistant" })));
            chunks.AddRange(
                from piece in echo.Pieces()
                from index in Enumerable.Range(0, count)
                select Chunk(Choice(index, new JsonObject { ["content"] = piece })));
        }
        else
        {
            chunks.Add(Chunk(Choice(0, new JsonObject { ["role"] = "assistant", ["tool_calls"] = ToolCall("", echo.ToolCall, id.Replace("chatcmpl-", "call-", StringComparison.Ordinal)) })));
            chunks.Add(Chunk(Choice(0, new JsonObject { ["tool_calls"] = ToolCall("{}", null, null) })));
        }

        chunks.Add(Chunk(new JsonObject { ["finish_reason"] = echo.FinishReason, ["index"] = 0, ["delta"] = new JsonObject() }));
        if (alwaysUsage || call.WantsUsage)
        {
            var last = Chunk(Choice(0, []));
            last["usage"] = Usage(call, echo);
            chunks.Add(last);
        }

        return chunks;

        JsonObject Chunk(JsonObject choice) => new()
        {
            ["id"] = id,
            ["created"] = now.ToUnixTimeSeconds(),
            ["model"] = call.Model.Name,
            ["object"] = "chat.completion.chunk",
            ["system_fingerprint"] = "fp_simulated",
            ["choices"] = new JsonArray(choice),
        };
    }

    private static JsonObject Choice(int index, JsonObject delta) => new() { ["index"] = index, ["delta"] = delta };

    private static JsonArray ToolCall(string arguments, string? name, string? id)
    {
        var function = new JsonObject { ["arguments"] = arguments };
        var call = new JsonObject();
        if (id is not null)
        {
            call["id"] = id;
            function["name"] = name;
        }

        call["function"] = function;
        call["type"] = "function";
        call["index"] = 0;
        return new JsonArray(call);
    }

    private static JsonObject Usage(InferenceCall call, Echo echo)
    {
        var usage = echo.Usage();
        usage["completion_tokens_details"] = new JsonObject { ["reasoning_tokens"] = 0, ["text_tokens"] = echo.CompletionTokens };
        var cost = echo.InputCost(call.Model) + echo.OutputCost(call.Model);
        if (cost > 0)
        {
            usage["cost"] = PythonFloat.Node(cost);
        }

        return usage;
    }
}
