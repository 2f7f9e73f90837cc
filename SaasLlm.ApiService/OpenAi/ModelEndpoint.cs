using System.Text.Json;
using FastEndpoints;
using SaasLlm.ApiService.Llm;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Jobs;
using SaasLlm.Core.Llm;

namespace SaasLlm.ApiService.OpenAi;

/// <summary>A route by which OpenAI's clients call a model group: reads the request, finds or opens its job, and answers whole or as a stream.</summary>
internal abstract class ModelEndpoint(ILlmCaller llm, JobReader jobs, JobTypes types, TimeProvider time) : EndpointWithoutRequest
{
    /// <summary>The job's type where <c>X-Job-Type</c> names none.</summary>
    protected abstract string JobType { get; }

    /// <summary>The gateway's route.</summary>
    protected virtual LlmRoute Upstream => LlmRoute.Chat;

    /// <summary>False: <c>stream</c> is a field like any other.</summary>
    protected virtual bool MayStream => true;

    /// <param name="path">Below <c>/v1</c>.</param>
    protected void ConfigureModel(string path)
    {
        Post(path);
        Group<OpenAiGroup>();
        Description(d => d.Accepts<JsonElement>("application/json"));
        Description(d => d.Produces<JsonElement>(200, "application/json", MayStream ? ["text/event-stream"] : []));
        Description(CallRoute.Describe);
    }

    /// <summary>The request as the gateway's route knows it; or why it has no such form.</summary>
    protected virtual Result<ModelRequest> Translate(ModelRequest request) => request;

    /// <summary>The answer as this route's clients know it.</summary>
    protected virtual Task WriteAsync(LlmAnswer answer) => CallResponse.WriteAsync(HttpContext, answer);

    /// <summary>An answer of the gateway's route as this one's clients know it, and its usage (null of a stream); null: it is the same.</summary>
    protected virtual Func<JsonElement, TokenUsage?, JsonElement>? AsAnswered => null;

    /// <param name="begun">When the answer's first event is sent.</param>
    protected abstract StreamForm Form(LlmCall call, ModelRequest request, DateTimeOffset begun);

    public sealed override async Task HandleAsync(CancellationToken ct)
    {
        HttpContext.MarkResponseStart();
        var read = await ModelRequest.ReadAsync(HttpContext, MayStream);
        if (!(read.Failure is { } unread ? unread : Translate(read.Value)).TryGet(out var request, out var wrong))
        {
            await Problem.WriteAsync(HttpContext, wrong);
            return;
        }

        if (!(await RequestJob.OfAsync(HttpContext, request, JobType, jobs, types, time)).TryGet(out var job, out var refused))
        {
            await Problem.WriteAsync(HttpContext, refused);
            return;
        }

        HttpContext.Response.Headers["x-job-id"] = job.JobId.ToString();
        var call = new LlmCall(job.TeamId, job.JobId, request.Model, null, request.Fields, job.Opens, Upstream) { AsAnswered = AsAnswered }.By(HttpContext, request.Sent);
        if (request.IsStream)
        {
            await EventStreamResponse.AnswerAsync(HttpContext, llm, call, () => Form(call, request, time.GetUtcNow()), time);
            return;
        }

        await (await llm.CallAsync(call, ct)).Match(WriteAsync, failure => Problem.WriteAsync(HttpContext, failure));
    }
}
