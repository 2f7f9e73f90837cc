using System.Text.Json;
using SaasLlm.ApiService.Platform;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Idempotency;
using SaasLlm.ApiService.Platform.Json;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Jobs;

namespace SaasLlm.ApiService.OpenAi;

/// <summary>The job that an OpenAI client's request belongs to: the open one that <c>X-Job-Id</c> names, or one of its own.</summary>
/// <param name="Opens">Null: it joins an open job.</param>
internal sealed record RequestJob(string TeamId, JobId JobId, OpenJob? Opens)
{
    /// <summary>What a label may be, as the end of a sentence.</summary>
    private const string LabelRule = "must have at most 255 characters, none of them a control character";

    private const int LabelLengthMax = 255;

    /// <param name="typeOtherwise">The job's type where <c>X-Job-Type</c> names none.</param>
    public static async Task<Result<RequestJob>> OfAsync(
        HttpContext context, ModelRequest request, string typeOtherwise, JobReader jobs, JobTypes types, TimeProvider time)
    {
        if (context.GetCaller().Team is not { } team)
        {
            return new Failure(FailureKind.Forbidden, "access.team_key_needed", "This route spends a team's credits: call it with a team's key.");
        }

        var headers = context.Request.Headers;
        if (headers.TryGetValue("X-Job-Id", out var named))
        {
            return Guid.TryParse(named, out var id)
                ? (await jobs.FindAsync(new(id), team.TeamId, context.RequestAborted)).Map(job => new RequestJob(team.TeamId, new(job.JobId), null))
                : Malformed("X-Job-Id", "must be a job's id");
        }

        var type = Label(headers["X-Job-Type"]) ?? typeOtherwise;
        var (userHeader, task) = (Label(headers["X-User-Id"]), Label(headers["X-External-Task-Id"]));
        var userId = userHeader ?? Label(request.User);
        if (!Names.IsGroupName(type))
        {
            return Malformed("X-Job-Type", "must match ^[A-Za-z0-9._-]{1,64}$");
        }

        if (userId is not null && !IsLabel(userId))
        {
            return userHeader is null ? Unkept("user", LabelRule) : Malformed("X-User-Id", LabelRule);
        }

        if (task is not null && !IsLabel(task))
        {
            return Malformed("X-External-Task-Id", LabelRule);
        }

        // What the job keeps goes into one batch with other teams' work: what Postgres cannot store must not come that far.
        var metadata = request.Metadata.ValueKind == JsonValueKind.Undefined ? (JsonElement?)null : request.Metadata;
        if (metadata is { } labels && MetadataRules.FaultOf(labels) is { } fault)
        {
            return Unkept("metadata", fault);
        }

        var terms = await types.TermsOfAsync(type, context.RequestAborted);
        var jobId = new JobId(context.GetWork(time).Id);
        return new RequestJob(team.TeamId, jobId, new(
            jobId, team.TeamId, type, userId, task, MetadataRules.Text(metadata), terms.Lifetime, terms.MaxCalls, terms.Price, terms.MaxCostUsd));
    }

    /// <summary>A label as it is kept; null where nothing is said.</summary>
    private static string? Label(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();

    private static bool IsLabel(string text) => TextRules.IsLine(text, LabelLengthMax);

    private static Failure Unkept(string field, string rule)
        => new(FailureKind.Invalid, "llm.invalid_request", $"'{field}' {rule}.") { Details = new Dictionary<string, object?> { ["param"] = field } };

    private static Failure Malformed(string header, string rule)
        => new(FailureKind.Invalid, "request.malformed", $"{header} {rule}.") { Details = new Dictionary<string, object?> { ["param"] = header } };
}
