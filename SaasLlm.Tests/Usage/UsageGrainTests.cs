using SaasLlm.Core.Usage;

namespace SaasLlm.Tests.Usage;

/// <summary>Which roll-ups a range is read from.</summary>
public sealed class UsageGrainTests
{
    [Fact]
    public void A_range_is_covered_without_a_gap_or_a_hour_twice_by_whole_months_days_and_hours()
    {
        var random = new Random(3);
        var start = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        for (var round = 0; round < 3000; round++)
        {
            var from = start.AddHours(random.Next(9000));
            var until = from.AddHours(random.Next(random.Next(1, 4000)));
            foreach (var coarsest in new[] { "hour", "day", "month" })
            {
                var at = from;
                foreach (var (grain, first, last) in UsageGrain.Cover(from, until, coarsest))
                {
                    Assert.Equal((at, true), (first, first < last));
                    Assert.Equal((first, last), (UsageGrain.Floor(grain, first), UsageGrain.Floor(grain, last)));
                    at = last;
                }

                Assert.Equal(until, at);
            }
        }
    }

    [Fact]
    public void Large_ones_are_taken_where_they_are_wanted()
    {
        var (from, until) = (new DateTimeOffset(2026, 1, 30, 22, 0, 0, TimeSpan.Zero), new DateTimeOffset(2026, 4, 2, 3, 0, 0, TimeSpan.Zero));
        Assert.Equal(["hour 2", "day 1", "month 59", "day 1", "hour 3"], Parts("month"));
        Assert.Equal(["hour 2", "day 61", "hour 3"], Parts("day"));
        Assert.Equal(["hour 1469"], Parts("hour"));

        IEnumerable<string> Parts(string coarsest) => UsageGrain.Cover(from, until, coarsest)
            .Select(part => $"{part.Grain} {(part.Grain == "hour" ? (part.Until - part.From).TotalHours : (part.Until - part.From).TotalDays)}");
    }
}
