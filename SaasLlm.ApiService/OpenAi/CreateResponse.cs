using System.Text.Json;
using System.Text.Json.Nodes;
using FastEndpoints;
using SaasLlm.ApiService.Jobs;
using SaasLlm.ApiService.Llm;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Idempotency;
using SaasLlm.Core.Jobs;
using SaasLlm.Core.Llm;
using RequestSizeLimit = Microsoft.AspNetCore.Mvc.RequestSizeLimitAttribute;

namespace SaasLlm.ApiService.OpenAi;

/// <summary>OpenAI's responses, whole or as a stream, on a model group.</summary>
internal sealed class CreateResponse(ILlmCaller llm, JobReader jobs, JobTypes types, TimeProvider time) : EndpointWithoutRequest
{
    public override void Configure()
    {
        Post("/responses");
        Group<OpenAiGroup>();
        Description(d => d.WithMetadata(new RequestSizeLimit(CallModel.BodyBytesMax), NeverRepeated.Mark));
        Description(d => d.Accepts<JsonElement>("application/json").Produces<JsonElement>(200));
        Description(d => d.ProducesProblem(400).ProducesProblem(402).ProducesProblem(404).ProducesProblem(429).ProducesProblem(502).ProducesProblem(503).ProducesProblem(504));
        Summary(s =>
        {
            s.Summary = "Responses, as OpenAI's";
            s.Description = "`model` is a model group's name. Tools are `function` and `custom`, and what the group allows by name. `previous_response_id` goes on from a "
                + "response that this team got, at the model that gave it; another team's is 404. A stream's last event is `response.completed`, "
                + "`response.incomplete` or `response.failed`, and the job is charged before it is sent. Not offered: `background`, `conversation`, stored prompts, "
                + "and reading or deleting a response. Jobs, labels and headers are those of `/v1/chat/completions`.";
            s.RequestExamples.Add(new(s_example));
            s.ResponseExamples[200] = JsonElement.Parse(
                """{"id": "resp_AbC", "object": "response", "created_at": 1767225600, "status": "completed", "model": "SummaryAgent", "output": [{"type": "message", "id": "msg_AbC", "status": "completed", "role": "assistant", "content": [{"type": "output_text", "text": "…", "annotations": []}]}], "usage": {"input_tokens": 9, "output_tokens": 12, "total_tokens": 21}}""");
        });
    }

    public override async Task HandleAsync(CancellationToken ct)
    {
        HttpContext.MarkResponseStart();
        if (!(await ModelRequest.ReadAsync(HttpContext)).TryGet(out var request, out var wrong))
        {
            await Problem.WriteAsync(HttpContext, wrong);
            return;
        }

        if (!(await RequestJob.OfAsync(HttpContext, request, "responses", jobs, types, time)).TryGet(out var job, out var refused))
        {
            await Problem.WriteAsync(HttpContext, refused);
            return;
        }

        HttpContext.Response.Headers["x-job-id"] = job.JobId.ToString();
        var call = new LlmCall(job.TeamId, job.JobId, request.Model, null, request.Fields, job.Opens, LlmRoute.Responses).By(HttpContext);
        await (request.IsStream ? StreamAsync(call, ct) : AnswerAsync(call, ct));
    }

    private async Task AnswerAsync(LlmCall call, CancellationToken ct)
        => await (await llm.CallAsync(call, ct)).Match(
            answer => CallResponse.WriteAsync(HttpContext, answer),
            failure => Problem.WriteAsync(HttpContext, failure));

    private async Task StreamAsync(LlmCall call, CancellationToken ct)
    {
        if (!(await llm.StreamAsync(call, EventStreamResponse.Silence, ct)).TryGet(out var stream, out var failure))
        {
            await Problem.WriteAsync(HttpContext, failure);
            return;
        }

        await EventStreamResponse.WriteAsync(HttpContext, stream, new ResponseStreamForm(call.ModelGroup, time.GetUtcNow()), time);
    }

    private static readonly JsonObject s_example = new()
    {
        ["model"] = "SummaryAgent",
        ["instructions"] = "Be brief.",
        ["input"] = "Summarise: …",
    };
}
