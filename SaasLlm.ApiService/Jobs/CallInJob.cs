using System.Text.Json;
using System.Text.Json.Nodes;
using FastEndpoints;
using SaasLlm.ApiService.Llm;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.Core.Jobs;
using SaasLlm.Core.Llm;

namespace SaasLlm.ApiService.Jobs;

/// <summary>A call inside an open job, as its routes read it.</summary>
internal static class CallInJob
{
    public static readonly JsonObject Example = new()
    {
        ["model_group"] = "ResumeAgent",
        ["purpose"] = "extract skills",
        ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = "List the skills in this resume: …" }),
        ["temperature"] = 0.2,
    };

    /// <param name="others">Fields that the route takes and does not pass on.</param>
    public static async ValueTask<CallRead> ReadAsync(
        HttpContext context, CallModelRequest request, JobReader jobs, CancellationToken cancellation, params string[] others)
    {
        var (body, fault) = CallBody.Read(request.Body, others);
        if (body is null)
        {
            return CallRead.Invalid(fault!);
        }

        return (await jobs.TeamOfAsync(context.GetCaller(), request.JobId, cancellation)).TryGet(out var teamId, out var missing)
            ? CallRead.Of(new LlmCall(teamId, new(request.JobId), body.ModelGroup, body.Purpose, body.Fields).By(context, context.BodyToKeep(request.Body)))
            : CallRead.Refuse(missing);
    }
}

/// <param name="Body">A chat request of OpenAI's API, with <c>model_group</c> instead of <c>model</c>, and <c>purpose</c>.</param>
internal sealed class CallModelRequest : ICallRequest
{
    [RouteParam]
    public Guid JobId { get; set; }

    [FromBody]
    public JsonElement Body { get; set; }
}

internal sealed record CallMetadata(long TokensUsed, int LatencyMs, string ModelGroup)
{
    public static CallMetadata Of(LlmAnswer answer) => new(answer.Usage.Total, answer.LatencyMs, answer.ModelGroup);
}
