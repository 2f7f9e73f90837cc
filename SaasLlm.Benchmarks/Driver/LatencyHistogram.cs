using System.Numerics;

namespace SaasLlm.Benchmarks.Driver;

/// <summary>Counts durations in buckets whose width grows with the value: any percentile is within 1 %.</summary>
internal sealed class LatencyHistogram
{
    // Values below 2^8 µs are exact; above, each doubling has 2^7 buckets.
    private const int ExactBits = 8;
    private const int Half = 1 << (ExactBits - 1);

    private readonly long[] _counts = new long[IndexOf(long.MaxValue >> 27) + 1];

    public long Count { get; private set; }

    public void Record(TimeSpan duration)
    {
        _counts[Math.Min(IndexOf(Math.Max(0, (long)duration.TotalMicroseconds)), _counts.Length - 1)]++;
        Count++;
    }

    public void Add(LatencyHistogram other)
    {
        for (var index = 0; index < _counts.Length; index++)
        {
            _counts[index] += other._counts[index];
        }

        Count += other.Count;
    }

    /// <param name="share">For example 0.99.</param>
    public TimeSpan Percentile(double share)
    {
        var wanted = Math.Max(1, (long)Math.Ceiling(share * Count));
        var seen = 0L;
        for (var index = 0; index < _counts.Length; index++)
        {
            seen += _counts[index];
            if (seen >= wanted)
            {
                return TimeSpan.FromMicroseconds(ValueOf(index));
            }
        }

        return TimeSpan.Zero;
    }

    private static int IndexOf(long microseconds)
    {
        if (microseconds < 2 * Half)
        {
            return (int)microseconds;
        }

        var shift = BitOperations.Log2((ulong)microseconds) - (ExactBits - 1);
        return (shift * Half) + (int)(microseconds >> shift);
    }

    // The middle of the bucket.
    private static double ValueOf(int index)
    {
        if (index < 2 * Half)
        {
            return index;
        }

        var shift = (index / Half) - 1;
        return ((double)(index - (shift * Half)) + 0.5) * (1L << shift);
    }
}
