namespace SaasLlm.Core.Webhooks.Delivery;

/// <summary>When a failed delivery is tried again: the intervals that the Standard Webhooks specification suggests.</summary>
internal static class RetrySchedule
{
    /// <summary>The longest that a receiver can put us off.</summary>
    public static readonly TimeSpan RetryAfterMax = TimeSpan.FromHours(24);

    /// <summary>Longer than any interval: failures further apart than this are not of one run.</summary>
    public static readonly TimeSpan QuietMax = TimeSpan.FromHours(36);

    // The share by which an interval is longer or shorter: what failed together does not come back together.
    private const double Jitter = 0.1;

    private static readonly TimeSpan[] s_intervals =
    [
        TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(30), TimeSpan.FromHours(2), TimeSpan.FromHours(5),
        TimeSpan.FromHours(10), TimeSpan.FromHours(14), TimeSpan.FromHours(20), TimeSpan.FromHours(24),
    ];

    /// <summary>The first and one after each interval.</summary>
    public static int TriesMax => s_intervals.Length + 1;

    /// <summary>From the end of try number <paramref name="tries"/> to the next; null: it was the last.</summary>
    /// <param name="retryAfter">What the receiver asked for: never sooner than that.</param>
    /// <param name="chance">From 0 to 1.</param>
    public static TimeSpan? Next(int tries, TimeSpan? retryAfter, double chance)
    {
        if (tries >= TriesMax)
        {
            return null;
        }

        var next = s_intervals[tries - 1] * (1 - Jitter + (2 * Jitter * chance));
        var asked = retryAfter < RetryAfterMax ? retryAfter : retryAfter is null ? null : RetryAfterMax;
        return asked > next ? asked : next;
    }
}
