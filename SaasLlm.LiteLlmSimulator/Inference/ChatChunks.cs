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
        if (echo.ToolCalls.Count == 0)
        {
            chunks.Add(Chunk(Choice(0, new JsonObject { ["content"] = "", ["role"] = "assistant" })));
            chunks.AddRange(
                from piece in echo.Pieces()
                from index in Enumerable.Range(0, count)
                select Chunk(Choice(index, new JsonObject { ["content"] = piece })));
        }
        else
        {
            for (var index = 0; index < echo.ToolCalls.Count; index++)
            {
                var tool = echo.ToolCalls[index];
                var half = tool.Arguments.Length / 2;
                var begin = new JsonObject { ["tool_calls"] = Delta(index, "", tool.Name, ToolCall.Id(id, index)) };
                if (index == 0)
                {
                    begin["role"] = "assistant";
                }

                chunks.Add(Chunk(Choice(0, begin)));
                chunks.Add(Chunk(Choice(0, new JsonObject { ["tool_calls"] = Delta(index, tool.Arguments[..half], null, null) })));
                chunks.Add(Chunk(Choice(0, new JsonObject { ["tool_calls"] = Delta(index, tool.Arguments[half..], null, null) })));
            }
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

    private static JsonArray Delta(int index, string arguments, string? name, string? id)
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
        call["index"] = index;
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
