using System.Text.Json;
using System.Text.Json.Nodes;
using SaasLlm.LiteLlmSimulator.Control;
using SaasLlm.LiteLlmSimulator.Http;
using SaasLlm.LiteLlmSimulator.Playing;

namespace SaasLlm.LiteLlmSimulator.Inference;

/// <summary>Chat completions, plain and streamed.</summary>
internal sealed class Chat(InferenceGate gate, SimulatorOptions options, Mode mode, Ids ids, TimeProvider time)
{
    private const int ChoicesMax = 128;

    private readonly EventStream _stream = new(mode, time);

    public async Task<Answer> AnswerAsync(Call incoming)
    {
        var (call, answered) = await gate.EnterAsync(incoming, "/chat/completions", "messages");
        if (call is null)
        {
            return answered!;
        }

        var messages = call.Body.GetProperty("messages");
        if (messages.ValueKind is not JsonValueKind.Array)
        {
            var error = Errors.Proxy(
                400,
                "invalid_request_error",
                $"Invalid request format: litellm.APIConnectionError: APIConnectionError: OpenAIException - 'str' object has no attribute 'get'\n\nLiteLLM: model group '{call.Model.Name}' failed with the error above. No fallback was attempted.");
            error.Headers["x-litellm-timeout"] = "6000.0";
            return CallHeaders.Failed(incoming, call.CallId, error, "/chat/completions");
        }

        var count = call.Body.Has("n", out var n) && n.TryGetInt32(out var wanted) ? Math.Clamp(wanted, 1, ChoicesMax) : 1;
        var last = messages.EnumerateArray().LastOrDefault(message => message.StringOf("role") is "user" or "tool" or null);
        var text = Tokens.TextOf(last);
        var echo = Echo.Of(
            call.Body, Tokens.TextOf(messages), text, last.StringOf("role") == "tool" ? "" : text, count, call.Alias is null ? null : Aliases.Usage(call.Alias));
        var headers = CallHeaders.Success(call, echo, call.IsStream);
        incoming.Caller.Key?.Charge(echo.InputCost(call.Model) + echo.OutputCost(call.Model));
        var cutAt = call.Alias is null ? null : Aliases.CutAt(call.Alias);
        var id = ids.Next("chatcmpl-sim-");
        return call.IsStream
            ? _stream.Answer(headers, ChatChunks.Of(call, echo, count, id, time.GetUtcNow(), options.AlwaysIncludeStreamUsage), cutAt)
            : EventStream.Plain(headers, Plain(call, echo, count, id), cutAt);
    }

    private JsonObject Plain(InferenceCall call, Echo echo, int count, string id) => new()
    {
        ["id"] = id,
        ["created"] = time.GetUtcNow().ToUnixTimeSeconds(),
        ["model"] = call.Model.Name,
        ["object"] = "chat.completion",
        ["system_fingerprint"] = "fp_simulated",
        ["choices"] = new JsonArray([.. Enumerable.Range(0, count).Select(index => new JsonObject
        {
            ["finish_reason"] = echo.FinishReason,
            ["index"] = index,
            ["message"] = Message(echo, id),
            ["provider_specific_fields"] = new JsonObject(),
        })]),
        ["usage"] = echo.Usage(),
        ["service_tier"] = "default",
    };

    private static JsonObject Message(Echo echo, string id)
    {
        var message = new JsonObject
        {
            ["content"] = echo.ToolCalls.Count == 0 ? echo.Text : null,
            ["role"] = "assistant",
            ["provider_specific_fields"] = new JsonObject { ["refusal"] = null },
        };
        if (echo.ToolCalls.Count > 0)
        {
            message["tool_calls"] = new JsonArray([.. echo.ToolCalls.Select((tool, index) => new JsonObject
            {
                ["function"] = new JsonObject { ["arguments"] = tool.Arguments, ["name"] = tool.Name },
                ["id"] = ToolCall.Id(id, index),
                ["type"] = "function",
            })]);
        }

        return message;
    }
}
