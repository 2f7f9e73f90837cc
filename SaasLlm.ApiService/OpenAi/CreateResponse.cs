using System.Text.Json;
using System.Text.Json.Nodes;
using SaasLlm.ApiService.Llm;
using SaasLlm.Core.Jobs;
using SaasLlm.Core.Llm;

namespace SaasLlm.ApiService.OpenAi;

/// <summary>OpenAI's responses, whole or as a stream, on a model group.</summary>
internal sealed class CreateResponse(ILlmCaller llm, JobReader jobs, JobTypes types, TimeProvider time) : ModelEndpoint(llm, jobs, types, time)
{
    public override void Configure()
    {
        ConfigureModel("/responses");
        Summary(s =>
        {
            s.Summary = "Responses, as OpenAI's";
            s.Description = "`model` is a model group's name. Tools are `function` and `custom`, and what the group allows by name. `previous_response_id` goes on from a "
                + "response that this team got, at the model that gave it; another team's is 404. A stream's last event is `response.completed`, "
                + "`response.incomplete` or `response.failed`, and the job is charged before it is sent: the first two say what it cost, as `saasllm`. Refused by "
                + "name: `background`, `conversation`, `prompt`, `moderation` and `context_management`, and a `service_tier` other than `auto` and `default`. Reading or "
                + "deleting a response is not offered. Jobs, labels and headers are those of `/v1/chat/completions`.";
            s.RequestExamples.Add(new(s_example));
            s.ResponseExamples[200] = JsonElement.Parse(
                """{"id": "resp_AbC", "object": "response", "created_at": 1767225600, "status": "completed", "model": "SummaryAgent", "output": [{"type": "message", "id": "msg_AbC", "status": "completed", "role": "assistant", "content": [{"type": "output_text", "text": "…", "annotations": []}]}], "usage": {"input_tokens": 9, "output_tokens": 12, "total_tokens": 21}}""");
        });
    }

    protected override string JobType => "responses";

    protected override LlmRoute Upstream => LlmRoute.Responses;

    protected override StreamForm Form(LlmCall call, ModelRequest request, DateTimeOffset begun)
        => new ResponseStreamForm(call.ModelGroup, call.JobId, begun);

    private static readonly JsonObject s_example = new()
    {
        ["model"] = "SummaryAgent",
        ["instructions"] = "Be brief.",
        ["input"] = "Summarise: …",
    };
}
