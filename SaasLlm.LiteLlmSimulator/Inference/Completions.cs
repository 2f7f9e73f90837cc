using System.Text.Json.Nodes;
using SaasLlm.LiteLlmSimulator.Control;
using SaasLlm.LiteLlmSimulator.Http;
using SaasLlm.LiteLlmSimulator.Playing;

namespace SaasLlm.LiteLlmSimulator.Inference;

/// <summary>Legacy completions, plain and streamed.</summary>
internal sealed class Completions(InferenceGate gate, Mode mode, Ids ids, TimeProvider time)
{
    private readonly EventStream _stream = new(mode, time);

    public async Task<Answer> AnswerAsync(Call incoming)
    {
        var (call, answered) = await gate.EnterAsync(incoming, "/completions", null);
        if (call is null)
        {
            return answered!;
        }

        var prompt = call.Body.Has("prompt", out var given) ? Tokens.TextOf(given) : "";
        var echo = Echo.Of(call.Body, prompt, prompt, "", 1, call.Alias is null ? null : Aliases.Usage(call.Alias));
        var headers = call.IsStream ? CallHeaders.LegacyStream(call, echo) : CallHeaders.Success(call, echo, isStream: false);
        incoming.Caller.Key?.Charge(echo.InputCost(call.Model) + echo.OutputCost(call.Model));
        var cutAt = call.Alias is null ? null : Aliases.CutAt(call.Alias);
        var body = Body(call, ids.Next("cmpl-sim-"));
        if (call.IsStream)
        {
            return _stream.Answer(headers, Chunks(body, echo), cutAt);
        }

        body["choices"] = new JsonArray(new JsonObject
        {
            ["finish_reason"] = echo.FinishReason,
            ["index"] = 0,
            ["text"] = echo.Text,
            ["logprobs"] = null,
        });
        body["usage"] = echo.Usage();
        body["usage"]!["completion_tokens_details"] = null;
        body["usage"]!["prompt_tokens_details"] = null;
        return EventStream.Plain(headers, body, cutAt);
    }

    private JsonObject Body(InferenceCall call, string id) => new()
    {
        ["id"] = id,
        ["object"] = "text_completion",
        ["created"] = time.GetUtcNow().ToUnixTimeSeconds(),
        ["model"] = call.Model.Name,
    };

    private static List<JsonObject> Chunks(JsonObject head, Echo echo)
    {
        return [.. echo.Pieces().Select(piece => Chunk(new JsonObject { ["index"] = 0, ["text"] = piece })), Chunk(new JsonObject { ["finish_reason"] = echo.FinishReason, ["index"] = 0 })];

        JsonObject Chunk(JsonObject choice)
        {
            var chunk = head.DeepClone().AsObject();
            chunk["choices"] = new JsonArray(choice);

            // Recorded: the usage of this stream's chunks is always zero.
            chunk["usage"] = new JsonObject { ["completion_tokens"] = 0, ["prompt_tokens"] = 0, ["total_tokens"] = 0 };
            return chunk;
        }
    }
}
