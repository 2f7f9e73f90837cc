namespace SaasLlm.Tests.Infrastructure;

/// <summary>The machine's clock, for tests that cannot do without it.</summary>
internal static class WallClock
{
    // When an hour's usage is closed.
    private static readonly TimeSpan s_grace = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan s_near = TimeSpan.FromSeconds(45);

    /// <summary>Ids of one millisecond are in no order: those made from now on come after those made before.</summary>
    public static Task NextIdAsync() => Task.Delay(2);

    /// <summary>Waits where an hour (in UTC) is about to end or to be closed: what follows is of one hour, one day and one month.</summary>
    public static async Task NotNearTheHourAsync()
    {
        var passed = TimeSpan.FromTicks(DateTime.UtcNow.Ticks % TimeSpan.TicksPerHour);
        foreach (var moment in new[] { s_grace, TimeSpan.FromHours(1) })
        {
            if (passed < moment && moment - passed < s_near)
            {
                await Task.Delay(moment - passed + TimeSpan.FromSeconds(1));
                return;
            }
        }
    }
}
