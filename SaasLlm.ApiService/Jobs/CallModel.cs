using System.Text.Json;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.Core.Jobs;
using SaasLlm.Core.Llm;

namespace SaasLlm.ApiService.Jobs;

/// <summary>Makes one LLM call inside a job.</summary>
internal sealed class CallModel(ILlmCaller llm, JobReader jobs) : CallEndpoint<CallModelRequest, CallModelResponse>
{
    public override void Configure()
    {
        ConfigureCall("/{job_id:guid}/llm-call");
        Summary(s =>
        {
            s.Summary = "Calls a model group inside a job";
            s.Description = "`model_group` (or `model_group_name`) names the group; `messages` and OpenAI's other fields are passed on; an "
                + "unknown field is a 400 that names it. The group's models are tried by priority; the answer names neither model nor cost.";
            s.RequestExamples.Add(new(CallInJob.Example));
            s.ResponseExamples[200] = new CallModelResponse(
                Guid.Empty, JsonElement.Parse("""{"choices": [{"index": 0, "message": {"role": "assistant", "content": "…"}, "finish_reason": "stop"}]}"""),
                new(1834, 912, "ResumeAgent"));
        });
    }

    protected override ValueTask<CallRead> ReadAsync(CallModelRequest request, CancellationToken cancellation)
        => CallInJob.ReadAsync(HttpContext, request, jobs, cancellation);

    protected override async Task AnswerAsync(LlmCall call, CancellationToken cancellation)
        => await (await llm.CallAsync(call, cancellation)).Match(
            answer => Send.OkAsync(new(answer.CallId.Value, answer.Response, CallMetadata.Of(answer)), cancellation),
            failure => Send.FailureAsync(failure));
}

/// <param name="Response">A chat completion of OpenAI's API; its <c>model</c> is the group's name.</param>
internal sealed record CallModelResponse(Guid CallId, JsonElement Response, CallMetadata Metadata);
