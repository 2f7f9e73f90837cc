using System.Text.Json;
using FluentValidation.Results;
using SaasLlm.ApiService.Llm;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Idempotency;
using SaasLlm.ApiService.Platform.Json;
using SaasLlm.ApiService.Teams;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Jobs;
using SaasLlm.Core.Llm;

namespace SaasLlm.ApiService.Jobs;

/// <summary>A job that is all one call: the body of <c>create</c> and that of <c>llm-call</c> in one.</summary>
internal static class OneShot
{
    private static readonly string[] s_jobFields = ["team_id", "job_type", "user_id", "external_task_id", "metadata", "stream", "stream_options"];
    private static readonly CreateJobValidator s_validator = new();

    /// <summary>The call with its job.</summary>
    public static async ValueTask<CallRead> ReadAsync(
        HttpContext context, JsonElement body, JobTypes types, TimeProvider time)
    {
        var (call, fault) = CallBody.Read(body, s_jobFields);
        if (call is null)
        {
            return CallRead.Invalid(fault!);
        }

        CreateJobRequest job;
        try
        {
            job = body.Deserialize<CreateJobRequest>(ApiJson.Options)!;
        }
        catch (JsonException exception)
        {
            var field = exception.Path?.TrimStart('$', '.') is { Length: > 0 } path ? path : "body";
            return CallRead.Invalid(new ValidationFailure(field, "is not of the expected type"));
        }

        if (s_validator.Validate(job) is { IsValid: false } checkedJob)
        {
            return CallRead.Invalid(checkedJob.Errors);
        }

        var caller = context.GetCaller();
        if ((job.TeamId ?? caller.Team?.TeamId) is not { } teamId)
        {
            return CallRead.Invalid(new ValidationFailure("team_id", "is needed: the operator acts for a team"));
        }

        if (OwnTeam.Refuse(caller, teamId, isChange: true) is { } refused)
        {
            return CallRead.Refuse(refused);
        }

        var terms = await types.TermsOfAsync(job.JobType!, context.RequestAborted);
        var jobId = new JobId(context.GetWork(time).Id);
        var opens = new OpenJob(
            jobId, teamId, job.JobType!, job.UserId, job.ExternalTaskId, MetadataRules.Text(job.Metadata),
            terms.Lifetime, terms.MaxCalls, terms.Price, terms.MaxCostUsd);
        return CallRead.Of(new LlmCall(teamId, jobId, call.ModelGroup, call.Purpose, call.Fields, opens).By(context, context.BodyToKeep(body)));
    }

    /// <summary>A refusal that names the job, which has ended as failed and can be read; not where none was opened.</summary>
    public static Failure OfJob(Failure failure, LlmCall call)
    {
        if (call.Clock is { HasBegun: false })
        {
            return failure;
        }

        var details = new Dictionary<string, object?>(failure.Details ?? new Dictionary<string, object?>());
        details.TryAdd("job_id", call.JobId.Value);
        return failure with { Details = details };
    }
}
