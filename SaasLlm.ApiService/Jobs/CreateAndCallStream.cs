using SaasLlm.ApiService.Llm;
using SaasLlm.Core.Jobs;
using SaasLlm.Core.Llm;

namespace SaasLlm.ApiService.Jobs;

/// <summary>Opens a job, streams its one call, and ends it.</summary>
internal sealed class CreateAndCallStream(ILlmCaller llm, JobTypes types, TimeProvider time) : CallEndpoint<OneShotRequest, object?>
{
    public override void Configure()
    {
        ConfigureCall("/create-and-call-stream");
        Description(d => d.Produces(200, contentType: "text/event-stream"));
        Summary(s =>
        {
            s.Summary = "Opens a job, streams its one call, and ends it";
            s.Description = "As `create-and-call`, answered as `llm-call-stream` does; the last event before `[DONE]` is the job's end. "
                + "A client that leaves does not end the job: it is read to its end and charged.";
            s.RequestExamples.Add(new(CreateAndCall.Example));
        });
    }

    protected override ValueTask<CallRead> ReadAsync(OneShotRequest request, CancellationToken cancellation)
        => OneShot.ReadAsync(HttpContext, request.Body, types, time);

    protected override Task AnswerAsync(LlmCall call, CancellationToken cancellation) => EventStreamResponse.AnswerAsync(
        HttpContext, llm, call, () => new ChatStreamForm(answer => [OneShotResponse.Of(answer, isStream: true)]), time,
        failure => OneShot.OfJob(failure, call));
}
