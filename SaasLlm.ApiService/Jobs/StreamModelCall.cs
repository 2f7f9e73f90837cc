using SaasLlm.ApiService.Llm;
using SaasLlm.Core.Jobs;
using SaasLlm.Core.Llm;

namespace SaasLlm.ApiService.Jobs;

/// <summary>Makes one LLM call inside a job and answers as it comes.</summary>
internal sealed class StreamModelCall(ILlmCaller llm, JobReader jobs, TimeProvider time) : CallEndpoint<CallModelRequest, object?>
{
    public override void Configure()
    {
        ConfigureCall("/{job_id:guid}/llm-call-stream");
        Description(d => d.Produces(200, contentType: "text/event-stream"));
        Summary(s =>
        {
            s.Summary = "Calls a model group inside a job, as a stream";
            s.Description = "The body is that of `llm-call`. The answer is server-sent events: OpenAI's chunks as they come, then one with `call_id` and "
                + "`metadata`, then `[DONE]`. Until the first chunk a model that fails is replaced by the next one, and a failure has its own status; "
                + "after it, a failure is an event with `error`, and no `[DONE]` follows. A comment (`: ping`) shows every 15 s that the call goes on.";
            s.RequestExamples.Add(new(CallInJob.Example));
        });
    }

    // "stream" may be said here and changes nothing.
    protected override ValueTask<CallRead> ReadAsync(CallModelRequest request, CancellationToken cancellation)
        => CallInJob.ReadAsync(HttpContext, request, jobs, cancellation, "stream", "stream_options");

    protected override Task AnswerAsync(LlmCall call, CancellationToken cancellation)
        => EventStreamResponse.AnswerAsync(HttpContext, llm, call, () => new ChatStreamForm(answer => [CallSummary.Of(answer)]), time);
}

/// <summary>The last event of a streamed call.</summary>
internal sealed record CallSummary(Guid CallId, CallMetadata Metadata)
{
    public static CallSummary Of(LlmAnswer answer) => new(answer.CallId.Value, CallMetadata.Of(answer));
}
