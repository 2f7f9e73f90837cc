using System.Text.Json;
using System.Text.Json.Nodes;
using FastEndpoints;
using SaasLlm.ApiService.Jobs;
using SaasLlm.ApiService.Llm;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Idempotency;
using SaasLlm.Core.Common;
using SaasLlm.Core.Jobs;
using SaasLlm.Core.Llm;
using RequestSizeLimit = Microsoft.AspNetCore.Mvc.RequestSizeLimitAttribute;

namespace SaasLlm.ApiService.OpenAi;

/// <summary>OpenAI's legacy completions, whole or as a stream, made on a model group's chat.</summary>
internal sealed class CreateCompletion(ILlmCaller llm, JobReader jobs, JobTypes types, TimeProvider time) : EndpointWithoutRequest
{
    public override void Configure()
    {
        Post("/completions");
        Group<OpenAiGroup>();
        Description(d => d.WithMetadata(new RequestSizeLimit(CallModel.BodyBytesMax), NeverRepeated.Mark));
        Description(d => d.Accepts<JsonElement>("application/json").Produces<JsonElement>(200));
        Description(d => d.ProducesProblem(400).ProducesProblem(402).ProducesProblem(404).ProducesProblem(429).ProducesProblem(502).ProducesProblem(503).ProducesProblem(504));
        Summary(s =>
        {
            s.Summary = "Legacy completions, as OpenAI's";
            s.Description = "`prompt` is a text, or a list of one, and is asked as one message of a chat. `logprobs`, `echo`, `suffix` and `best_of` are not offered. "
                + "Jobs, labels and headers are those of `/v1/chat/completions`.";
            s.RequestExamples.Add(new(s_example));
            s.ResponseExamples[200] = JsonElement.Parse(
                """{"id": "cmpl-1", "object": "text_completion", "created": 1767225600, "model": "SummaryAgent", "choices": [{"text": "…", "index": 0, "logprobs": null, "finish_reason": "stop"}], "usage": {"prompt_tokens": 9, "completion_tokens": 12, "total_tokens": 21}}""");
        });
    }

    public override async Task HandleAsync(CancellationToken ct)
    {
        HttpContext.MarkResponseStart();
        var read = await ModelRequest.ReadAsync(HttpContext);
        if (!(read.Failure is { } unread ? unread : PromptRequest.ToChat(read.Value)).TryGet(out var request, out var wrong))
        {
            await Problem.WriteAsync(HttpContext, wrong);
            return;
        }

        if (!(await RequestJob.OfAsync(HttpContext, request, "completions", jobs, types, time)).TryGet(out var job, out var refused))
        {
            await Problem.WriteAsync(HttpContext, refused);
            return;
        }

        HttpContext.Response.Headers["x-job-id"] = job.JobId.ToString();
        var call = new LlmCall(job.TeamId, job.JobId, request.Model, null, request.Fields, job.Opens).By(HttpContext);
        await (request.IsStream ? StreamAsync(call, request.WantsUsage, ct) : AnswerAsync(call, ct));
    }

    private async Task AnswerAsync(LlmCall call, CancellationToken ct)
        => await (await llm.CallAsync(call, ct)).Match(
            answer => CallResponse.WriteAsync(HttpContext, answer, TextCompletion.Of(answer)),
            failure => Problem.WriteAsync(HttpContext, failure));

    private async Task StreamAsync(LlmCall call, bool wantsUsage, CancellationToken ct)
    {
        if (!(await llm.StreamAsync(call, EventStreamResponse.Silence, ct)).TryGet(out var stream, out var failure))
        {
            await Problem.WriteAsync(HttpContext, failure);
            return;
        }

        var created = time.GetUtcNow();
        var form = new TextStreamForm(answer => wantsUsage ? [TextCompletion.Last(answer, call.JobId, created)] : []);
        await EventStreamResponse.WriteAsync(HttpContext, stream, form, time);
    }

    private static readonly JsonObject s_example = new()
    {
        ["model"] = "SummaryAgent",
        ["prompt"] = "Summarise: …",
    };
}
