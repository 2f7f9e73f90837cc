using System.Diagnostics;

namespace SaasLlm.Core.Usage;

/// <summary>Hours, days and months, all UTC.</summary>
public static class UsageGrain
{
    public const string Hour = "hour";
    public const string Day = "day";
    public const string Month = "month";

    /// <summary>The beginning of the one that <paramref name="moment"/> is in.</summary>
    public static DateTimeOffset Floor(string grain, DateTimeOffset moment)
    {
        var utc = moment.UtcDateTime;
        return grain switch
        {
            Hour => new(utc.Year, utc.Month, utc.Day, utc.Hour, 0, 0, TimeSpan.Zero),
            Day => new(utc.Year, utc.Month, utc.Day, 0, 0, 0, TimeSpan.Zero),
            Month => new(utc.Year, utc.Month, 1, 0, 0, 0, TimeSpan.Zero),
            _ => throw new UnreachableException(grain),
        };
    }

    /// <summary>The beginning of the one after that which begins at <paramref name="start"/>.</summary>
    public static DateTimeOffset Next(string grain, DateTimeOffset start) => grain switch
    {
        Hour => start.AddHours(1),
        Day => start.AddDays(1),
        Month => start.AddMonths(1),
        _ => throw new UnreachableException(grain),
    };

    /// <summary>
    /// The roll-ups that make up whole hours from <paramref name="from"/> to <paramref name="until"/>, as few as there are: months, then days, then hours.
    /// </summary>
    /// <param name="coarsest">No larger ones: whoever wants hours needs hours.</param>
    internal static IEnumerable<(string Grain, DateTimeOffset From, DateTimeOffset Until)> Cover(DateTimeOffset from, DateTimeOffset until, string coarsest)
    {
        if (from >= until)
        {
            yield break;
        }

        if (coarsest == Hour)
        {
            yield return (Hour, from, until);
            yield break;
        }

        var finer = coarsest == Month ? Day : Hour;
        var floor = Floor(coarsest, from);
        var (first, last) = (floor == from ? from : Next(coarsest, floor), Floor(coarsest, until));
        if (first >= last)
        {
            foreach (var part in Cover(from, until, finer))
            {
                yield return part;
            }

            yield break;
        }

        foreach (var part in Cover(from, first, finer))
        {
            yield return part;
        }

        yield return (coarsest, first, last);
        foreach (var part in Cover(last, until, finer))
        {
            yield return part;
        }
    }
}
