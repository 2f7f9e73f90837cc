using System.Text.Json;
using System.Text.Json.Nodes;
using FastEndpoints;
using SaasLlm.ApiService.Llm;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Idempotency;
using SaasLlm.Core.Jobs;
using SaasLlm.Core.Llm;
using RequestSizeLimit = Microsoft.AspNetCore.Mvc.RequestSizeLimitAttribute;

namespace SaasLlm.ApiService.Jobs;

/// <summary>Makes one LLM call inside a job and answers as it comes.</summary>
internal sealed class StreamModelCall(ILlmCaller llm, JobReader jobs, TimeProvider time) : Endpoint<CallModelRequest>
{
    public override void Configure()
    {
        Post("/{job_id:guid}/llm-call-stream");
        Group<JobsGroup>();
        Description(d => d.WithMetadata(new RequestSizeLimit(CallModel.BodyBytesMax), NeverRepeated.Mark));
        Description(d => d.Produces(200, contentType: "text/event-stream")
            .ProducesProblem(400).ProducesProblem(402).ProducesProblem(403).ProducesProblem(409).ProducesProblem(429).ProducesProblem(502).ProducesProblem(504));
        Summary(s =>
        {
            s.Summary = "Calls a model group inside a job, as a stream";
            s.Description = "The body is that of `llm-call`. The answer is server-sent events: OpenAI's chunks as they come, then one with `call_id` and "
                + "`metadata`, then `[DONE]`. Until the first chunk a model that fails is replaced by the next one, and a failure has its own status; "
                + "after it, a failure is an event with `error`, and no `[DONE]` follows. A comment (`: ping`) shows every 15 s that the call goes on.";
            s.RequestExamples.Add(new(s_example));
        });
    }

    public override async Task HandleAsync(CallModelRequest request, CancellationToken ct)
    {
        // "stream" may be said here and changes nothing.
        var (body, fault) = CallBody.Read(request.Body, "stream", "stream_options");
        if (body is null)
        {
            AddError(fault!);
            ThrowIfAnyErrors(request.Body.ValueKind == JsonValueKind.Object ? 422 : 400);
            return;
        }

        if (!(await jobs.TeamOfAsync(HttpContext.GetCaller(), request.JobId, ct)).TryGet(out var teamId, out var missing))
        {
            await Send.FailureAsync(missing);
            return;
        }

        var call = new LlmCall(teamId, new(request.JobId), body.ModelGroup, body.Purpose, body.Fields).By(HttpContext);
        var begun = await llm.StreamAsync(call, EventStreamResponse.Silence, ct);
        if (!begun.TryGet(out var stream, out var failure))
        {
            await Send.FailureAsync(failure);
            return;
        }

        HttpContext.MarkResponseStart();
        await EventStreamResponse.WriteAsync(HttpContext, stream, answer => [CallSummary.Of(answer)], time);
    }

    private static readonly JsonObject s_example = new()
    {
        ["model_group"] = "ResumeAgent",
        ["purpose"] = "extract skills",
        ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = "List the skills in this resume: …" }),
    };
}

/// <summary>The last event of a streamed call.</summary>
internal sealed record CallSummary(Guid CallId, CallMetadata Metadata)
{
    public static CallSummary Of(LlmAnswer answer)
        => new(answer.CallId.Value, new(answer.Usage.Total, answer.LatencyMs, answer.ModelGroup));
}
