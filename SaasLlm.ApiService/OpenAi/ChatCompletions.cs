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

/// <summary>OpenAI's chat completions, whole or as a stream, on a model group.</summary>
internal sealed class ChatCompletions(ILlmCaller llm, JobReader jobs, JobTypes types, TimeProvider time) : EndpointWithoutRequest
{
    public override void Configure()
    {
        Post("/chat/completions");
        Group<OpenAiGroup>();
        Description(d => d.WithMetadata(new RequestSizeLimit(CallModel.BodyBytesMax), NeverRepeated.Mark));
        Description(d => d.Accepts<JsonElement>("application/json").Produces<JsonElement>(200));
        Description(d => d.ProducesProblem(400).ProducesProblem(402).ProducesProblem(404).ProducesProblem(429).ProducesProblem(502).ProducesProblem(503).ProducesProblem(504));
        Summary(s =>
        {
            s.Summary = "Chat completions, as OpenAI's";
            s.Description = "`model` is a model group's name. Without `X-Job-Id` the request is a job of its own: charged if it succeeds; `X-Job-Type`, "
                + "`X-User-Id` and `X-External-Task-Id` label it. The answer's headers `x-job-id`, `x-credits-charged` and `x-credits-remaining` say what it cost; "
                + "of a stream the usage chunk does.";
            s.RequestExamples.Add(new(s_example));
            s.ResponseExamples[200] = JsonElement.Parse(
                """{"id": "chatcmpl-1", "object": "chat.completion", "created": 1767225600, "model": "SummaryAgent", "choices": [{"index": 0, "message": {"role": "assistant", "content": "…"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 9, "completion_tokens": 12, "total_tokens": 21}}""");
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

        var joined = await RequestJob.OfAsync(HttpContext, request, "chat.completions", jobs, types, time);
        if (!joined.TryGet(out var job, out var refused))
        {
            await Problem.WriteAsync(HttpContext, refused);
            return;
        }

        var call = new LlmCall(job.TeamId, job.JobId, request.Model, null, request.Fields, job.Opens).By(HttpContext);
        HttpContext.Response.Headers["x-job-id"] = job.JobId.ToString();
        await (request.IsStream ? StreamAsync(call, request, ct) : AnswerAsync(call, ct));
    }

    private async Task AnswerAsync(LlmCall call, CancellationToken ct)
    {
        if (!(await llm.CallAsync(call, ct)).TryGet(out var answer, out var failure))
        {
            await Problem.WriteAsync(HttpContext, failure);
            return;
        }

        await CallResponse.WriteAsync(HttpContext, answer);
    }

    private async Task StreamAsync(LlmCall call, ModelRequest request, CancellationToken ct)
    {
        if (!(await llm.StreamAsync(call, EventStreamResponse.Silence, ct)).TryGet(out var stream, out var failure))
        {
            await Problem.WriteAsync(HttpContext, failure);
            return;
        }

        var created = time.GetUtcNow();
        await EventStreamResponse.WriteAsync(
            HttpContext, stream, answer => request.WantsUsage ? [UsageChunk.Of(answer, call.JobId, created)] : [], time);
    }

    private static readonly JsonObject s_example = new()
    {
        ["model"] = "SummaryAgent",
        ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = "Summarise: …" }),
    };
}
