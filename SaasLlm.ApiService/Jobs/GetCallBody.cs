using System.Text.Json;
using System.Text.Json.Serialization;
using FastEndpoints;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Json;
using SaasLlm.Core.Jobs;
using SaasLlm.Core.Llm.Bodies;

namespace SaasLlm.ApiService.Jobs;

/// <summary>Reads what a call asked and was answered, where its team keeps it.</summary>
internal sealed class GetCallBody(JobReader jobs, CallBodyReader bodies) : Endpoint<GetCallBodyRequest, CallBodyResponse>
{
    public override void Configure()
    {
        Get("/{job_id:guid}/calls/{call_id:guid}/body");
        Group<JobsGroup>();
        Summary(s =>
        {
            s.Summary = "Reads what a call asked and was answered";
            s.Description = "Of teams that keep it (`PUT /api/teams/{team_id}/call-bodies`), from a moment after the call's end until `expires_at`. A call's id is "
                + "in its answer and in the header `x-call-id`, also of a call that failed. `answer` is what the call's route answers (of the job API its `response`); of a "
                + "stream it is put together, of one that broke off as far as it came (of `/v1/responses` then the events), without usage; a client that left early finds it whole. "
                + "404 `call_body.not_kept` where nothing is kept, `call_body.too_long` where both were longer than is kept (1 MB each, unless the operator says "
                + "otherwise), `call_body.unreadable` where the operator's encryption key is another one now; where one was too long, it is null and its size says why.";
            s.ResponseExamples[200] = new CallBodyResponse(
                Guid.Empty, Guid.Empty, "SummaryAgent", null,
                JsonElement.Parse("""{"model": "SummaryAgent", "messages": [{"role": "user", "content": "Summarise: …"}]}"""), 82,
                JsonElement.Parse("""{"id": "chatcmpl-1", "object": "chat.completion", "created": 1767225600, "model": "SummaryAgent", "choices": [{"index": 0, "message": {"role": "assistant", "content": "…"}, "finish_reason": "stop"}]}"""), 188,
                DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddDays(30));
        });
    }

    public override async Task HandleAsync(GetCallBodyRequest request, CancellationToken ct)
    {
        if (!(await jobs.TeamOfAsync(HttpContext.GetCaller(), request.JobId, ct)).TryGet(out var teamId, out var missing))
        {
            await Send.FailureAsync(missing);
            return;
        }

        await (await bodies.FindAsync(teamId, new(request.JobId), new(request.CallId), ct)).Match(
            body => Send.OkAsync(CallBodyResponse.From(body), ct),
            failure => Send.FailureAsync(failure));
    }
}

internal sealed record GetCallBodyRequest([property: RouteParam] Guid JobId, [property: RouteParam] Guid CallId);

/// <param name="ErrorCode">Why the call failed; null where it did not.</param>
/// <param name="Request">As it was sent; null where it was longer than is kept.</param>
/// <param name="Answer">Null where there was none, or it was longer than is kept.</param>
/// <param name="AnswerBytes">0: there was none.</param>
internal sealed record CallBodyResponse(
    Guid JobId,
    Guid CallId,
    string ModelGroup,
    string? ErrorCode,
    [property: JsonConverter(typeof(VerbatimConverter))] JsonElement? Request,
    int RequestBytes,
    [property: JsonConverter(typeof(VerbatimConverter))] JsonElement? Answer,
    int AnswerBytes,
    DateTimeOffset KeptAt,
    DateTimeOffset ExpiresAt)
{
    public static CallBodyResponse From(KeptBody body) => new(
        body.Row.JobId, body.Row.CallId, body.Row.ModelGroup, body.Row.ErrorCode, body.Request, body.Row.RequestBytes, body.Answer, body.Row.AnswerBytes,
        body.Row.KeptAt, body.Row.ExpiresAt);
}
