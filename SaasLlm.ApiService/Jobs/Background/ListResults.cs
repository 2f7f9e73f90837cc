using System.Text.Json;
using FastEndpoints;
using FluentValidation;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Lists;
using SaasLlm.Core.Common;
using SaasLlm.Core.Jobs;
using SaasLlm.Core.Jobs.Background;

namespace SaasLlm.ApiService.Jobs.Background;

/// <summary>Gives what the steps of a submitted job were answered.</summary>
internal sealed class ListResults(StepResults results, JobReader jobs) : Endpoint<ListResultsRequest, PageResponse<ResultResponse>>
{
    public override void Configure()
    {
        Get("/{job_id:guid}/results");
        Group<JobsGroup>();
        Summary(s =>
        {
            s.Summary = "Gives the results of a submitted job";
            s.Description = "A page of its steps in their order, each with what the model answered; steps that have not ended yet have nothing. With `format` `csv` or "
                + "`jsonl` (or `Accept: text/csv`, `application/x-ndjson`) all of them at once, as a stream. In CSV a text that a spreadsheet would take for a "
                + "formula has `'` before it.";
            s.Params["format"] = "json (where it is left out), csv or jsonl";
            s.Params["sort"] = "ordinal";
            s.ResponseExamples[200] = new PageResponse<ResultResponse>([ResultResponse.Example], null);
        });
    }

    public override async Task HandleAsync(ListResultsRequest request, CancellationToken ct)
    {
        if (!(await jobs.FindAsync(new(request.JobId), HttpContext.GetCaller().Team?.TeamId, ct)).TryGet(out var job, out var missing))
        {
            await Send.FailureAsync(missing);
            return;
        }

        var (team, id) = (job.TeamId, new JobId(request.JobId));
        switch (request.Format ?? ResultFiles.Asked(HttpContext.Request))
        {
            case "csv":
                await ResultFiles.WriteCsvAsync(HttpContext, results.AllAsync(team, id, ct), ct);
                break;
            case "jsonl":
                await ResultFiles.WriteJsonLinesAsync(HttpContext, results.AllAsync(team, id, ct), ct);
                break;
            default:
                await Send.OkAsync(PageResponse.Of(await results.PageAsync(team, id, request.ToQuery(), ct), ResultResponse.Of), ct);
                break;
        }
    }
}

internal sealed record ListResultsRequest(
    [property: RouteParam] Guid JobId,
    [property: QueryParam] string? Format = null,
    [property: QueryParam] int? Limit = null,
    [property: QueryParam] string? Cursor = null,
    [property: QueryParam] string? Sort = null) : IPageRequest;

/// <param name="Content">The text of the answer's first choice.</param>
/// <param name="Response">A chat completion of OpenAI's API; its <c>model</c> is the group's name.</param>
internal sealed record ResultResponse(
    int Ordinal, string Name, string Status, string? Content, JsonElement? Response, string? ErrorCode, string? ErrorMessage, long? TokensUsed, int? LatencyMs,
    DateTimeOffset? EndedAt)
{
    public static ResultResponse Example => new(
        0, "parse", StepStatus.Succeeded, "…",
        JsonElement.Parse("""{"choices": [{"index": 0, "message": {"role": "assistant", "content": "…"}, "finish_reason": "stop"}]}"""),
        null, null, 1834, 912, DateTimeOffset.UnixEpoch);

    public static ResultResponse Of(StepResult step) => new(
        step.Ordinal, step.Name, step.Status, step.Content, step.Response, step.ErrorCode, step.ErrorMessage, step.Tokens, step.LatencyMs, step.EndedAt);
}

internal sealed class ListResultsValidator : Validator<ListResultsRequest>
{
    public ListResultsValidator()
    {
        this.IsPage("ordinal");
        RuleFor(r => r.Sort).Must(sort => sort is null or "ordinal").WithMessage("must be ordinal");
        RuleFor(r => r.Cursor).IsOrdinalCursor();
        RuleFor(r => r.Format).Must(format => format is null or "json" or "csv" or "jsonl").WithMessage("must be json, csv or jsonl");
    }
}
