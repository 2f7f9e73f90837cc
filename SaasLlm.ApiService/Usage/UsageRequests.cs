using System.Globalization;
using FluentValidation;
using SaasLlm.ApiService.Platform;
using SaasLlm.Core.Common;
using SaasLlm.Core.Usage;

namespace SaasLlm.ApiService.Usage;

/// <summary>What every usage route takes, as query parameters.</summary>
internal interface IUsageRequest
{
    /// <summary>A month; this month where nothing is named.</summary>
    string? Period { get; }

    /// <summary>A day or a whole hour, instead of a month.</summary>
    string? From { get; }

    /// <summary>A day or a whole hour, exclusive; now where it is left out.</summary>
    string? Until { get; }

    /// <summary>Dimensions, with commas between.</summary>
    string? GroupBy { get; }

    string? ModelGroup { get; }

    string? JobType { get; }

    string? UserId { get; }

    int? Limit { get; }

    string? Cursor { get; }

    string? Format { get; }
}

internal static class UsageRequests
{
    public const string Csv = "csv";

    private const int LimitDefault = 100;
    private const int LimitMax = 1000;
    private const int DaysMax = 1100;
    private const int DaysByHourMax = 100;
    private const int NameMax = 256;

    private static readonly string[] s_formats = ["yyyy-MM-dd", "yyyy-MM-dd'T'HH:mm:ss'Z'", "yyyy-MM-dd'T'HH:mm'Z'"];

    /// <summary>What the parameters mean, for the document.</summary>
    public static void Describe(IDictionary<string, string> parameters, IReadOnlyList<string> dimensions)
    {
        parameters["period"] = "A month as 2026-01, UTC; this month where neither it nor from is named.";
        parameters["from"] = "Instead of period: a day as 2026-01-31 or a whole hour as 2026-01-31T15:00:00Z, UTC.";
        parameters["until"] = "Exclusive; now where it is left out.";
        parameters["group_by"] = $"Of {string.Join(", ", dimensions)}, with commas between; of hour, day and month one.";
        parameters["model_group"] = "Only calls of this group; jobs and credits are of none, and are left out.";
        parameters["job_type"] = "Only jobs of this type.";
        parameters["user_id"] = "Only this end user's.";
        parameters["limit"] = $"Items of a page, 1 to {LimitMax}; {LimitDefault} where it is left out.";
        parameters["format"] = "json, or csv for all rows of what is grouped; so does Accept: text/csv. A process writes 4 at once (503 usage.busy beyond), each within a minute.";
    }

    public static void IsUsage<T>(this AbstractValidator<T> validator, IReadOnlyList<string> dimensions, TimeProvider time)
        where T : IUsageRequest
    {
        validator.RuleFor(r => r.Period).IsPeriod();
        validator.RuleFor(r => r.Period).Must((r, period) => period is null || (r.From ?? r.Until) is null).WithMessage("cannot be named beside from and until");
        validator.RuleFor(r => r.From).Must(IsMoment).WithMessage("must be a day or a whole hour, such as 2026-01-31 or 2026-01-31T15:00:00Z");
        validator.RuleFor(r => r.Until).Must(IsMoment).WithMessage("must be a day or a whole hour, such as 2026-01-31 or 2026-01-31T15:00:00Z");
        validator.RuleFor(r => r.Until).Must((r, until) => until is null || r.From is not null).WithMessage("needs from");
        validator.RuleFor(r => r.Until).Must((r, until) => Moment(r.From) is not { } start || !IsMoment(until) || Fits(r, start, Moment(until), time))
            .WithMessage($"must be after from, by at most {DaysMax} days, or {DaysByHourMax} where hours are asked for");
        validator.RuleFor(r => r.GroupBy).Must(by => Dimensions(by) is { } named && named.All(dimensions.Contains) && named.Distinct().Count() == named.Count)
            .WithMessage($"must be of {string.Join(", ", dimensions)}, each once");
        validator.RuleFor(r => r.GroupBy).Must(by => Dimensions(by).Count(UsageDimension.IsTime) <= 1).WithMessage("must have one of hour, day and month");
        validator.RuleFor(r => r.GroupBy)
            .Must((r, by) => !Dimensions(by).Contains(UsageDimension.Model) || (!Dimensions(by).Contains(UsageDimension.User) && r.UserId is null))
            .WithMessage("by end user, models are not known");
        validator.RuleFor(r => r.ModelGroup).IsLine(NameMax);
        validator.RuleFor(r => r.JobType).IsLine(NameMax);
        validator.RuleFor(r => r.UserId).IsLine(NameMax);
        validator.RuleFor(r => r.Limit).InclusiveBetween(1, LimitMax);
        validator.RuleFor(r => r.Cursor).Must((r, cursor) => cursor is null || Keys(r) is not null).WithMessage("is not a cursor of this report");
        validator.RuleFor(r => r.Format).Must(format => format is null or "json" or Csv).WithMessage("must be json or csv");
    }

    /// <summary>What a valid request asks for.</summary>
    public static UsageQuery ToQuery(this IUsageRequest request, TimeProvider time, IReadOnlyList<string>? teams)
    {
        var month = request.Period.ToPeriod(time);
        var from = Moment(request.From) ?? month.From;
        var until = request.From is null ? month.Until : Moment(request.Until) ?? NowOr(from, time);
        return new(from, until, Dimensions(request.GroupBy))
        {
            Teams = teams,
            ModelGroup = request.ModelGroup,
            JobType = request.JobType,
            UserId = request.UserId,
        };
    }

    /// <summary>The month of a valid request that asks for one.</summary>
    public static string? PeriodOf(this IUsageRequest request, TimeProvider time) => request.From is null ? request.Period.ToPeriod(time).ToString() : null;

    public static int LimitOf(this IUsageRequest request) => request.Limit ?? LimitDefault;

    /// <summary>Where a valid request's page begins.</summary>
    public static IReadOnlyList<string>? Keys(this IUsageRequest request)
        => request.Cursor is not null && Cursor.TryDecode(request.Cursor, out var text) ? UsageReport.KeysIn(text, Dimensions(request.GroupBy).Count) : null;

    public static bool WantsCsv(this IUsageRequest request, HttpContext context)
        => request.Format == Csv || (request.Format is null && context.Request.GetTypedHeaders().Accept.Any(type => type.MediaType == "text/csv"));

    private static List<string> Dimensions(string? groupBy) => groupBy is null ? [] : [.. groupBy.Split(',', StringSplitOptions.TrimEntries)];

    private static bool IsMoment(string? text) => text is null || Moment(text) is not null;

    private static DateTimeOffset? Moment(string? text)
        => DateTimeOffset.TryParseExact(text, s_formats, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var moment)
           && moment.Year is >= 2000 and <= 9998 && moment == UsageGrain.Floor(UsageGrain.Hour, moment)
            ? moment
            : null;

    // The hour that is open is part of it; what has not begun is empty.
    private static DateTimeOffset NowOr(DateTimeOffset from, TimeProvider time)
    {
        var now = UsageGrain.Next(UsageGrain.Hour, UsageGrain.Floor(UsageGrain.Hour, time.GetUtcNow()));
        return now > from ? now : from;
    }

    private static bool Fits(IUsageRequest request, DateTimeOffset from, DateTimeOffset? until, TimeProvider time)
        => (until is null || until > from) && (until ?? NowOr(from, time)) - from <= TimeSpan.FromDays(Dimensions(request.GroupBy).Contains(UsageDimension.Hour) ? DaysByHourMax : DaysMax);
}
