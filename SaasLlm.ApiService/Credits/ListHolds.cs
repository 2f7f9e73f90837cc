using FastEndpoints;
using FluentValidation;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Lists;
using SaasLlm.ApiService.Teams;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;

namespace SaasLlm.ApiService.Credits;

/// <summary>Says who holds a team's credits.</summary>
internal sealed class ListHolds(HoldReader holds) : Endpoint<ListHoldsRequest, HoldsResponse>
{
    public override void Configure()
    {
        Get("/holds");
        Group<OwnCreditsGroup>();
        Summary(s =>
        {
            s.Summary = "Says who holds a team's credits";
            s.Description = "The open jobs that hold credits, the earliest deadline first. The totals are the whole account's, at the same moment. "
                + "A hold comes free when its job ends, at its deadline at the latest.";
            s.Params["sort"] = "expires_at";
            s.ResponseExamples[200] = new HoldsResponse(
                "team_hr", 1, 148,
                [new(Guid.Parse("019c1b2e-7d00-7000-8000-000000000003"), "resume_analysis", "task-42", 1,
                    new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero), new(2026, 1, 31, 13, 0, 0, TimeSpan.Zero), 1)],
                null);
        });
    }

    public override async Task HandleAsync(ListHoldsRequest request, CancellationToken ct)
    {
        if (OwnTeam.Refuse(HttpContext.GetCaller(), request.TeamId) is { } refused)
        {
            await Send.FailureAsync(refused);
            return;
        }

        var listed = await holds.ListAsync(request.TeamId, request.ToQuery(), ct);
        await listed.Match(
            found => Send.OkAsync(HoldsResponse.From(request.TeamId, found), ct),
            failure => Send.FailureAsync(failure));
    }
}

internal sealed record ListHoldsRequest(
    [property: RouteParam] string TeamId,
    [property: QueryParam] int? Limit,
    [property: QueryParam] string? Cursor,
    [property: QueryParam] string? Sort) : IPageRequest;

/// <param name="CreditsHeld">By all open jobs, on this page or not.</param>
/// <param name="CreditsAvailable">What the next job may take.</param>
internal sealed record HoldsResponse(
    string TeamId, decimal CreditsHeld, decimal CreditsAvailable, IReadOnlyList<HoldResponse> Items, string? NextCursor)
{
    public static HoldsResponse From(string teamId, TeamHolds holds)
        => new(teamId, holds.Held, holds.Available, [.. holds.Page.Items.Select(HoldResponse.From)], holds.Page.NextCursor);
}

/// <param name="ExpiresAt">The job's deadline.</param>
/// <param name="CallsRunning">Calls that were sent and have not ended.</param>
internal sealed record HoldResponse(
    Guid JobId, string JobType, string? ExternalTaskId, decimal Credits, DateTimeOffset CreatedAt, DateTimeOffset ExpiresAt, int CallsRunning)
{
    public static HoldResponse From(Hold hold)
        => new(hold.JobId, hold.JobType, hold.ExternalTaskId, hold.Credits, hold.CreatedAt, hold.ExpiresAt, hold.CallsRunning);
}

internal sealed class ListHoldsValidator : Validator<ListHoldsRequest>
{
    public ListHoldsValidator()
    {
        RuleFor(r => r.Limit).InclusiveBetween(1, PageQuery.LimitMax);
        RuleFor(r => r.Sort).Must(sort => sort is null or "expires_at").WithMessage("must be expires_at");
        RuleFor(r => r.Cursor).IsCursor(key => HoldPlace.TryParse(key, out _));
    }
}
