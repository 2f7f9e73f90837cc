using System.Text.Json;
using FastEndpoints;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Json;
using SaasLlm.Core.Jobs;

namespace SaasLlm.ApiService.Jobs;

/// <summary>Changes a job's metadata, also after its end.</summary>
internal sealed class PatchJobMetadata(JobReader jobs, JobMetadata metadata) : Endpoint<PatchJobMetadataRequest, PatchJobMetadataResponse>
{
    public override void Configure()
    {
        Patch("/{job_id:guid}/metadata");
        Group<JobsGroup>();
        Description(d => d.ProducesProblem(400));
        Summary(s =>
        {
            s.Summary = "Changes a job's metadata";
            s.Description = "The body is merged (RFC 7386): members are set, null removes one. The answer holds the whole.";
            s.RequestExamples.Add(new(JsonElement.Parse("""{"reviewed": true, "draft": null}""")));
            s.ResponseExamples[200] = new PatchJobMetadataResponse(Guid.Empty, JsonElement.Parse("""{"source": "upload", "reviewed": true}"""));
        });
    }

    public override async Task HandleAsync(PatchJobMetadataRequest request, CancellationToken ct)
    {
        if (request.Body.ValueKind != JsonValueKind.Object || !MetadataRules.IsStorable(request.Body))
        {
            AddError(new("body", "must be a JSON object without NUL characters or halves of surrogate pairs"));
            ThrowIfAnyErrors(422);
        }

        if (!(await jobs.TeamOfAsync(HttpContext.GetCaller(), request.JobId, ct)).TryGet(out var teamId, out var missing))
        {
            await Send.FailureAsync(missing);
            return;
        }

        var merged = await metadata.MergeAsync(teamId, new(request.JobId), request.Body, ct);
        await merged.Match(
            whole => Send.OkAsync(new(request.JobId, whole), ct),
            failure => Send.FailureAsync(failure));
    }
}

/// <param name="Body">A JSON object, merged over what is there.</param>
internal sealed class PatchJobMetadataRequest
{
    [RouteParam]
    public Guid JobId { get; set; }

    [FromBody]
    public JsonElement Body { get; set; }
}

internal sealed record PatchJobMetadataResponse(Guid JobId, JsonElement Metadata);
