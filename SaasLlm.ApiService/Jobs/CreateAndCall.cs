using System.Text.Json;
using System.Text.Json.Nodes;
using FastEndpoints;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Jobs;
using SaasLlm.Core.Llm;

namespace SaasLlm.ApiService.Jobs;

/// <summary>Opens a job, makes its one call, and ends it.</summary>
internal sealed class CreateAndCall(ILlmCaller llm, JobTypes types, TimeProvider time) : CallEndpoint<OneShotRequest, OneShotResponse>
{
    public static readonly JsonObject Example = new()
    {
        ["job_type"] = "summary",
        ["external_task_id"] = "task-42",
        ["model_group"] = "SummaryAgent",
        ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = "Summarise: …" }),
    };

    public override void Configure()
    {
        ConfigureCall("/create-and-call");
        Summary(s =>
        {
            s.Summary = "Opens a job, makes its one call, and ends it";
            s.Description = "The fields of `create` and of `llm-call` in one body. The job is charged if the call succeeds, and fails with it: the refusal names the job, if one was opened.";
            s.RequestExamples.Add(new(Example));
            s.ResponseExamples[200] = new OneShotResponse(
                Guid.Empty, Guid.Empty, JobStatus.Completed, DateTimeOffset.UnixEpoch,
                JsonElement.Parse("""{"choices": [{"index": 0, "message": {"role": "assistant", "content": "…"}, "finish_reason": "stop"}]}"""),
                new(21, 912, "SummaryAgent"), EndedJobResponse.Example.Costs);
        });
    }

    protected override ValueTask<CallRead> ReadAsync(OneShotRequest request, CancellationToken cancellation)
        => OneShot.ReadAsync(HttpContext, request.Body, types, time);

    protected override async Task AnswerAsync(LlmCall call, CancellationToken cancellation)
        => await (await llm.CallAsync(call, cancellation)).Match(
            answer => Send.OkAsync(OneShotResponse.Of(answer), cancellation),
            failure => Send.FailureAsync(OneShot.OfJob(failure, call)));
}

/// <param name="Body">The fields of a job (<c>job_type</c>, …) and of a chat request with <c>model_group</c>.</param>
internal sealed record OneShotRequest([property: FromBody] JsonElement Body) : ICallRequest;

internal sealed record OneShotResponse(
    Guid JobId, Guid CallId, string Status, DateTimeOffset CompletedAt, JsonElement? Response, CallMetadata Metadata, EndedJobCosts Costs)
{
    public static OneShotResponse Of(LlmAnswer answer, bool isStream = false)
    {
        var job = answer.Job!;
        return new(
            job.JobId.Value, answer.CallId.Value, job.Status, job.CompletedAt, isStream ? null : answer.Response,
            CallMetadata.Of(answer), EndedJobCosts.Of(job));
    }
}
