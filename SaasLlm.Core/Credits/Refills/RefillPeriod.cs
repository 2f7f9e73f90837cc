using System.Diagnostics;

namespace SaasLlm.Core.Credits.Refills;

/// <summary>
/// Ticks: the first one, and those whole periods later, all in UTC. A monthly refill that began on the 31st comes on the last day of a
/// shorter month, and on the 31st again where there is one.
/// </summary>
public static class RefillPeriod
{
    public const string Daily = "daily";
    public const string Weekly = "weekly";
    public const string Monthly = "monthly";

    public static IReadOnlyList<string> All { get; } = [Daily, Weekly, Monthly];

    /// <summary>The next midnight, the next Monday's, or that of the next first of a month: where a refill begins that names no beginning.</summary>
    public static DateTimeOffset BoundaryAfter(string period, DateTimeOffset now)
    {
        var today = new DateTimeOffset(now.UtcDateTime.Date, TimeSpan.Zero);
        return period switch
        {
            Daily => today.AddDays(1),
            Weekly => today.AddDays(7 - (((int)today.DayOfWeek + 6) % 7)),
            Monthly => today.AddDays(1 - today.Day).AddMonths(1),
            _ => throw new UnreachableException(period),
        };
    }

    /// <summary>The tick number <paramref name="index"/>, from 0.</summary>
    public static DateTimeOffset TickAt(string period, DateTimeOffset startsAt, int index) => period switch
    {
        Daily => startsAt.ToUniversalTime().AddDays(index),
        Weekly => startsAt.ToUniversalTime().AddDays(7 * index),
        Monthly => startsAt.ToUniversalTime().AddMonths(index),
        _ => throw new UnreachableException(period),
    };

    /// <summary>How many ticks there were until <paramref name="now"/>, that moment included.</summary>
    public static int TicksUntil(string period, DateTimeOffset startsAt, DateTimeOffset now)
    {
        if (now < startsAt)
        {
            return 0;
        }

        var (start, end) = (startsAt.UtcDateTime, now.UtcDateTime);
        var index = period switch
        {
            Daily => (int)((end - start).Ticks / TimeSpan.TicksPerDay),
            Weekly => (int)((end - start).Ticks / (7 * TimeSpan.TicksPerDay)),
            // Of this month the tick may be still to come.
            Monthly => ((end.Year - start.Year) * 12) + end.Month - start.Month,
            _ => throw new UnreachableException(period),
        };
        return TickAt(period, startsAt, index) <= now ? index + 1 : index;
    }
}
