using System.Text.Json;
using System.Text.Json.Nodes;
using SaasLlm.ApiService.Llm;
using SaasLlm.Core.Jobs;
using SaasLlm.Core.Llm;

namespace SaasLlm.ApiService.OpenAi;

/// <summary>OpenAI's chat completions, whole or as a stream, on a model group.</summary>
internal sealed class ChatCompletions(ILlmCaller llm, JobReader jobs, JobTypes types, TimeProvider time) : ModelEndpoint(llm, jobs, types, time)
{
    public override void Configure()
    {
        ConfigureModel("/chat/completions");
        Summary(s =>
        {
            s.Summary = "Chat completions, as OpenAI's";
            s.Description = "`model` is a model group's name. Without `X-Job-Id` the request is a job of its own: charged if it succeeds; `X-Job-Type`, "
                + "`X-User-Id` and `X-External-Task-Id` label it. The answer's headers `x-job-id`, `x-credits-charged` and `x-credits-remaining` say what it cost; "
                + "of a stream the usage chunk does (`stream_options.include_usage`), as `saasllm`. `user` and `metadata` are kept with the job and not passed on. "
                + "Refused by name: `audio`, `web_search_options` and a `service_tier` other than `auto` and `default`, which change the price; `moderation`; "
                + "parts of type `input_audio`; a modality other than `text`.";
            s.RequestExamples.Add(new(s_example));
            s.ResponseExamples[200] = JsonElement.Parse(
                """{"id": "chatcmpl-1", "object": "chat.completion", "created": 1767225600, "model": "SummaryAgent", "choices": [{"index": 0, "message": {"role": "assistant", "content": "…"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 9, "completion_tokens": 12, "total_tokens": 21}}""");
        });
    }

    protected override string JobType => "chat.completions";

    protected override StreamForm Form(LlmCall call, ModelRequest request, DateTimeOffset begun)
        => new ChatStreamForm(answer => request.WantsUsage ? [UsageChunk.Of(answer, call.JobId, begun)] : []);

    private static readonly JsonObject s_example = new()
    {
        ["model"] = "SummaryAgent",
        ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = "Summarise: …" }),
    };
}
