using System.Text.Json;
using FastEndpoints;
using SaasLlm.ApiService.Llm;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Idempotency;
using SaasLlm.Core.Jobs;
using SaasLlm.Core.Llm;
using RequestSizeLimit = Microsoft.AspNetCore.Mvc.RequestSizeLimitAttribute;

namespace SaasLlm.ApiService.Jobs;

/// <summary>Opens a job, streams its one call, and ends it.</summary>
internal sealed class CreateAndCallStream(ILlmCaller llm, JobTypes types, TimeProvider time) : Endpoint<OneShotRequest>
{
    public override void Configure()
    {
        Post("/create-and-call-stream");
        Group<JobsGroup>();
        Description(d => d.WithMetadata(new RequestSizeLimit(CallModel.BodyBytesMax), NeverRepeated.Mark));
        Description(d => d.Produces(200, contentType: "text/event-stream")
            .ProducesProblem(400).ProducesProblem(402).ProducesProblem(403).ProducesProblem(409).ProducesProblem(429).ProducesProblem(502).ProducesProblem(504));
        Summary(s =>
        {
            s.Summary = "Opens a job, streams its one call, and ends it";
            s.Description = "As `create-and-call`, answered as `llm-call-stream` does; the last event before `[DONE]` is the job's end. "
                + "A client that leaves does not end the job: it is read to its end and charged.";
            s.RequestExamples.Add(new(CreateAndCall.Example));
        });
    }

    public override async Task HandleAsync(OneShotRequest request, CancellationToken ct)
    {
        var (call, faults, refused) = await OneShot.ReadAsync(HttpContext, request.Body, types, time);
        if (call is null)
        {
            faults.ForEach(AddError);
            ThrowIfAnyErrors(request.Body.ValueKind == JsonValueKind.Object ? 422 : 400);
            await Send.FailureAsync(refused!);
            return;
        }

        if (!(await llm.StreamAsync(call, EventStreamResponse.Silence, ct)).TryGet(out var stream, out var failure))
        {
            await Send.FailureAsync(OneShot.OfJob(failure, call.JobId));
            return;
        }

        HttpContext.MarkResponseStart();
        await EventStreamResponse.WriteAsync(HttpContext, stream, answer => [OneShotResponse.Of(answer, isStream: true)], time);
    }
}
