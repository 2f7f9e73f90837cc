using System.Globalization;

namespace SaasLlm.Core.Usage;

/// <summary>A calendar month, UTC.</summary>
public readonly record struct UsagePeriod(int Year, int Month)
{
    public DateTimeOffset From => new(Year, Month, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Exclusive.</summary>
    public DateTimeOffset Until => From.AddMonths(1);

    public static UsagePeriod Of(DateTimeOffset moment) => new(moment.UtcDateTime.Year, moment.UtcDateTime.Month);

    /// <summary>Reads <c>2026-01</c>; years 2000 to 9998.</summary>
    public static bool TryParse(string text, out UsagePeriod period)
    {
        var isMonth = DateTime.TryParseExact(text, "yyyy-MM", CultureInfo.InvariantCulture, DateTimeStyles.None, out var month)
            && month.Year is >= 2000 and <= 9998;
        period = isMonth ? new(month.Year, month.Month) : default;
        return isMonth;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Year:0000}-{Month:00}");
}
