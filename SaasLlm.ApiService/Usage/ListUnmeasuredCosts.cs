using System.Globalization;
using FastEndpoints;
using FluentValidation;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Lists;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Usage;

namespace SaasLlm.ApiService.Usage;

/// <summary>Whose cost is not measured is the operator's to know.</summary>
internal sealed class UsageOperatorGroup : Group
{
    public UsageOperatorGroup() => Configure("/api/usage", endpoint =>
    {
        endpoint.Policies(Policies.Operator);
        endpoint.Description(d => d.WithTags("Usage").ProducesProblem(401).ProducesProblem(403).ProducesProblem(422).ProducesProblem(503));
    });
}

/// <summary>Lists what is not measured, by day.</summary>
internal sealed class ListUnmeasuredCosts(UnmeasuredReader unmeasured) : Endpoint<ListUnmeasuredCostsRequest, PageResponse<UnmeasuredDayResponse>>
{
    public override void Configure()
    {
        Get("/unmeasured");
        Group<UsageOperatorGroup>();
        Summary(s =>
        {
            s.Summary = "Lists costs that no provider told, by day";
            s.Description = "Upstream attempts whose usage was counted from their text, bounded by their request, or is unknown, and between what they cost. "
                + "They are the operator's: nobody is charged by them.";
            s.Params["from"] = "The first day, as 2026-01-31, UTC.";
            s.Params["until"] = "The last day.";
            s.Params["usage_source"] = string.Join(", ", UsageSource.Unmeasured);
            s.Params["team_id"] = "Only this team's.";
            s.Params["sort"] = "-day (newest first, where it is left out) or day";
            s.ResponseExamples[200] = new PageResponse<UnmeasuredDayResponse>([new("2026-01-31", 3, 1, 1, 1, 0.0021m, 0.134m)], null);
        });
    }

    public override async Task HandleAsync(ListUnmeasuredCostsRequest request, CancellationToken ct)
    {
        var page = await unmeasured.ListAsync(
            request.ToQuery(descendingByDefault: true), Days.Of(request.From), Days.Of(request.Until), request.UsageSource, request.TeamId, ct);
        await Send.OkAsync(PageResponse.Of(page, UnmeasuredDayResponse.From), ct);
    }
}

internal sealed record ListUnmeasuredCostsRequest(
    [property: QueryParam] int? Limit,
    [property: QueryParam] string? Cursor,
    [property: QueryParam] string? Sort,
    [property: QueryParam] string? From,
    [property: QueryParam] string? Until,
    [property: QueryParam] string? UsageSource,
    [property: QueryParam] string? TeamId) : IPageRequest;

/// <param name="Counted">Attempts whose text was counted.</param>
/// <param name="Bounded">Attempts that we stopped listening to: at most what their requests allowed.</param>
/// <param name="Unknown">Attempts of which nothing came.</param>
internal sealed record UnmeasuredDayResponse(string Day, long Attempts, long Counted, long Bounded, long Unknown, decimal CostLowUsd, decimal CostHighUsd)
{
    public static UnmeasuredDayResponse From(UnmeasuredDay day) => new(
        Days.Text(day.Day), day.Attempts, day.Counted, day.Bounded, day.Unknown, day.CostLowUsd, day.CostHighUsd);
}

internal sealed class ListUnmeasuredCostsValidator : Validator<ListUnmeasuredCostsRequest>
{
    public ListUnmeasuredCostsValidator()
    {
        this.IsPage("day");
        RuleFor(r => r.Cursor).IsCursor(day => Days.Of(day) is not null);
        RuleFor(r => r.From).Must(Days.IsDay).WithMessage("must be a day such as 2026-01-31");
        RuleFor(r => r.Until).Must(Days.IsDay).WithMessage("must be a day such as 2026-01-31");
        RuleFor(r => r.UsageSource).Must(source => source is null || UsageSource.Unmeasured.Contains(source))
            .WithMessage($"must be one of {string.Join(", ", UsageSource.Unmeasured)}");
        RuleFor(r => r.TeamId).Must(id => id is null || Names.IsTenantId(id)).WithMessage("must match ^[A-Za-z0-9_-]{1,64}$");
    }
}

/// <summary>Days in requests: 2026-01-31, UTC, of the years 2000 to 9998.</summary>
internal static class Days
{
    private const string Format = "yyyy-MM-dd";

    public static bool IsDay(string? text) => text is null || Of(text) is not null;

    public static DateOnly? Of(string? text)
        => DateOnly.TryParseExact(text, Format, CultureInfo.InvariantCulture, DateTimeStyles.None, out var day) && day.Year is >= 2000 and <= 9998 ? day : null;

    public static string Text(DateOnly day) => day.ToString(Format, CultureInfo.InvariantCulture);
}
