using System.Text.Json.Nodes;
using SaasLlm.LiteLlmSimulator.Control;
using SaasLlm.LiteLlmSimulator.Http;
using SaasLlm.LiteLlmSimulator.Playing;

namespace SaasLlm.LiteLlmSimulator.Inference;

/// <summary>The responses API, plain and streamed; nothing is kept, so no earlier response can be referred to.</summary>
internal sealed class Responses(InferenceGate gate, Mode mode, Ids ids, TimeProvider time)
{
    private readonly EventStream _stream = new(mode, time);

    public async Task<Answer> AnswerAsync(Call incoming)
    {
        var (call, answered) = await gate.EnterAsync(incoming, "/responses", "input");
        if (call is null)
        {
            return answered!;
        }

        var input = Tokens.TextOf(call.Body.GetProperty("input"));
        var echo = Echo.Of(call.Body, input + call.Body.StringOf("instructions"), input, "", 1, call.Alias is null ? null : Aliases.Usage(call.Alias));
        var headers = CallHeaders.Success(call, echo, call.IsStream);
        incoming.Caller.Key?.Charge(echo.InputCost(call.Model) + echo.OutputCost(call.Model));
        var cutAt = call.Alias is null ? null : Aliases.CutAt(call.Alias);
        var body = Completed(call, echo, ids.Next("resp_sim"));
        return call.IsStream
            ? _stream.Answer(headers, ResponseEvents.Of(call.Model.Name, body, echo, echo.InputCost(call.Model) + echo.OutputCost(call.Model)), cutAt)
            : EventStream.Plain(headers, body, cutAt);
    }

    private JsonObject Completed(InferenceCall call, Echo echo, string id)
    {
        var body = Json.Shape("response");
        body["id"] = id;
        body["created_at"] = time.GetUtcNow().ToUnixTimeSeconds();
        body["model"] = call.Model.Name;
        if (echo.ToolCalls.Count > 0)
        {
            body["output"] = new JsonArray([.. echo.ToolCalls.Select((tool, index) => CallItem(tool, $"{id}{(index == 0 ? "" : $"-{index}")}"))]);
        }
        else
        {
            body["output"]![0]!["id"] = id.Replace("resp_", "msg_", StringComparison.Ordinal);
            body["output"]![0]!["content"]![0]!["text"] = echo.Text;
        }

        body["usage"]!["input_tokens"] = echo.PromptTokens;
        body["usage"]!["output_tokens"] = echo.CompletionTokens;
        body["usage"]!["total_tokens"] = echo.PromptTokens + echo.CompletionTokens;
        if (echo.IsLimited)
        {
            body["status"] = "incomplete";
            body["incomplete_details"] = new JsonObject { ["reason"] = "max_output_tokens" };
            body["output"]![0]!["status"] = "incomplete";
        }

        return body;
    }

    private static JsonObject CallItem(ToolCall tool, string id) => new()
    {
        ["arguments"] = tool.Arguments,
        ["call_id"] = id.Replace("resp_", "call_", StringComparison.Ordinal),
        ["name"] = tool.Name,
        ["type"] = "function_call",
        ["id"] = id.Replace("resp_", "fc_", StringComparison.Ordinal),
        ["status"] = "completed",
    };
}
