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

/// <summary>Makes one LLM call inside a job.</summary>
internal sealed class CallModel(ILlmCaller llm, JobReader jobs) : Endpoint<CallModelRequest, CallModelResponse>
{
    /// <summary>Bytes of a call's body: documents and images come in it.</summary>
    public const long BodyBytesMax = 20 * 1024 * 1024;

    public override void Configure()
    {
        Post("/{job_id:guid}/llm-call");
        Group<JobsGroup>();
        // As metadata, and not by FastEndpoints' own MaxRequestBodySize: a keyed body is read before the endpoint begins.
        Description(d => d.WithMetadata(new RequestSizeLimit(BodyBytesMax), NeverRepeated.Mark));
        Description(d => d.ProducesProblem(400).ProducesProblem(403).ProducesProblem(409).ProducesProblem(429).ProducesProblem(502).ProducesProblem(504));
        Summary(s =>
        {
            s.Summary = "Calls a model group inside a job";
            s.Description = "`model_group` (or `model_group_name`) names the group; `messages` and OpenAI's other fields are passed on; an "
                + "unknown field is a 400 that names it. The group's models are tried by priority; the answer names neither model nor cost.";
            s.RequestExamples.Add(new(s_example));
            s.ResponseExamples[200] = new CallModelResponse(
                Guid.Empty, JsonElement.Parse("""{"choices": [{"index": 0, "message": {"role": "assistant", "content": "…"}, "finish_reason": "stop"}]}"""),
                new(1834, 912, "ResumeAgent"));
        });
    }

    public override async Task HandleAsync(CallModelRequest request, CancellationToken ct)
    {
        var (body, fault) = CallBody.Read(request.Body);
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
        var answer = await llm.CallAsync(call, ct);
        await answer.Match(
            given => Send.OkAsync(
                new(given.CallId.Value, given.Response, new(given.Usage.Total, given.LatencyMs, given.ModelGroup)), ct),
            failure => Send.FailureAsync(failure));
    }

    private static readonly JsonObject s_example = new()
    {
        ["model_group"] = "ResumeAgent",
        ["purpose"] = "extract skills",
        ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = "List the skills in this resume: …" }),
        ["temperature"] = 0.2,
    };
}

/// <param name="Body">A chat request of OpenAI's API, with <c>model_group</c> instead of <c>model</c>, and <c>purpose</c>.</param>
internal sealed class CallModelRequest
{
    [RouteParam]
    public Guid JobId { get; set; }

    [FromBody]
    public JsonElement Body { get; set; }
}

/// <param name="Response">A chat completion of OpenAI's API; its <c>model</c> is the group's name.</param>
internal sealed record CallModelResponse(Guid CallId, JsonElement Response, CallMetadata Metadata);

internal sealed record CallMetadata(long TokensUsed, int LatencyMs, string ModelGroup);
