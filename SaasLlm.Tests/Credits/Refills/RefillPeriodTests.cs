using System.Globalization;
using SaasLlm.Core.Credits.Refills;

namespace SaasLlm.Tests.Credits.Refills;

/// <summary>When refills come: in UTC, whole periods after the first.</summary>
public sealed class RefillPeriodTests
{
    [Theory]
    [InlineData("daily", "2026-01-31T10:00:00Z", "2026-02-01T00:00:00Z")]
    [InlineData("daily", "2026-02-01T00:00:00Z", "2026-02-02T00:00:00Z")]
    [InlineData("daily", "2026-01-31T23:30:00-02:00", "2026-02-02T00:00:00Z")]
    [InlineData("weekly", "2026-02-01T10:00:00Z", "2026-02-02T00:00:00Z")]
    [InlineData("weekly", "2026-02-02T00:00:00Z", "2026-02-09T00:00:00Z")]
    [InlineData("weekly", "2026-02-08T23:59:59Z", "2026-02-09T00:00:00Z")]
    [InlineData("monthly", "2026-01-31T10:00:00Z", "2026-02-01T00:00:00Z")]
    [InlineData("monthly", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z")]
    public void A_refill_without_a_beginning_begins_at_the_next_boundary(string period, string now, string boundary)
        => Assert.Equal(Time(boundary), RefillPeriod.BoundaryAfter(period, Time(now)));

    [Fact]
    public void Of_the_31st_shorter_months_have_their_last_day_and_longer_ones_the_31st_again()
    {
        var start = Time("2027-12-31T06:30:00Z");
        Assert.Equal(
            ["2027-12-31", "2028-01-31", "2028-02-29", "2028-03-31", "2028-04-30", "2028-05-31"],
            Enumerable.Range(0, 6).Select(index => RefillPeriod.TickAt("monthly", start, index).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)));
    }

    // In Europe the clocks go forward on 29 March 2026: here nothing does.
    [Fact]
    public void A_day_has_24_hours_whatever_the_offset_it_was_written_with()
    {
        var start = Time("2026-03-28T02:30:00+01:00");
        Assert.Equal(
            ["03-28 01:30", "03-29 01:30", "03-30 01:30"],
            Enumerable.Range(0, 3).Select(index => RefillPeriod.TickAt("daily", start, index).ToString("MM-dd HH:mm", CultureInfo.InvariantCulture)));
    }

    [Theory]
    [InlineData("daily")]
    [InlineData("weekly")]
    [InlineData("monthly")]
    public void The_ticks_until_a_moment_are_those_that_are_not_after_it(string period)
    {
        var random = new Random(7);
        for (var round = 0; round < 2000; round++)
        {
            var start = Time("2024-01-31T00:00:00Z").AddMinutes(random.Next(2 * 525_600));
            var now = start.AddSeconds(random.Next(-1000, 40_000_000));
            var ticks = RefillPeriod.TicksUntil(period, start, now);
            Assert.True(ticks == 0 || RefillPeriod.TickAt(period, start, ticks - 1) <= now, $"{start:O} {now:O}");
            Assert.True(RefillPeriod.TickAt(period, start, ticks) > now, $"{start:O} {now:O}");
            var last = random.Next(1, 20);
            Assert.Equal(last + 1, RefillPeriod.TicksUntil(period, start, RefillPeriod.TickAt(period, start, last)));
        }
    }

    private static DateTimeOffset Time(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture);
}
