using System.Globalization;
using SaasLlm.Core.Common;
using StackExchange.Redis;

namespace SaasLlm.Core.Credits.Redis;

/// <summary>What Redis knows of a team. Amounts are credits.</summary>
/// <param name="Missing">Pushes before <paramref name="Version"/> that did not come.</param>
/// <param name="Pending">What Redis counts as set aside and not in the balance.</param>
/// <param name="Reserved">The same, summed up from the reservations.</param>
/// <param name="Overdue">Reservations past their lease.</param>
/// <param name="Contained">Holds that the balance contains.</param>
internal sealed record RedisView(
    long Version, long Missing, decimal Available, decimal OpeningHold, decimal Pending, decimal Reserved,
    IReadOnlyList<JobId> Overdue, IReadOnlyList<JobId> Contained);

/// <summary>Looks a team's keys in Redis over, and clears away what nobody else does. Null or false: Redis did not answer.</summary>
internal sealed class RedisSweeper(RedisBalances redis)
{
    // Of each sort; what a look leaves out, the next one finds.
    private const int HoldsMax = 1000;

    private static readonly RedisScript s_inspect = RedisBalances.Script("inspect");
    private static readonly RedisScript s_dropOverdue = RedisBalances.Script("drop_overdue");
    private static readonly RedisScript s_forget = RedisBalances.Script("forget");

    /// <summary>Answered, without a view: there is no balance in Redis, and nothing to be wrong.</summary>
    public async Task<(bool IsAnswered, RedisView? View)> InspectAsync(string teamId)
        => await redis.EvaluateAsync("inspect", s_inspect, teamId, [HoldsMax]) is { } reply
            ? (true, Read(RedisBalances.Texts(reply)))
            : (false, null);

    /// <summary>Removes those of these reservations that are past their lease; how many.</summary>
    public async Task<int> DropOverdueAsync(string teamId, IEnumerable<JobId> jobs)
        => await redis.EvaluateAsync("drop_overdue", s_dropOverdue, teamId, [.. jobs.Select(job => (RedisValue)job.ToString())]) is { } removed
            ? (int)removed
            : 0;

    /// <summary>Makes way for a seed that is older than what Redis has.</summary>
    public async Task<bool> ForgetAsync(string teamId) => await redis.EvaluateAsync("forget", s_forget, teamId, []) is not null;

    private static RedisView? Read(string[] reply)
    {
        if (reply[0] == "cold")
        {
            return null;
        }

        var overdue = int.Parse(reply[7], CultureInfo.InvariantCulture);
        var jobs = reply[8..].Select(job => new JobId(Guid.Parse(job))).ToList();
        return new(
            Whole(reply[1]), Whole(reply[2]), Credits(reply[3]), Credits(reply[4]), Credits(reply[5]), Credits(reply[6]),
            jobs[..overdue], jobs[overdue..]);
    }

    // What somebody spoilt by hand is a difference as well, not a failure to read.
    private static long Whole(string? text) => long.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var number) ? number : long.MaxValue;

    private static decimal Credits(string? text)
        => long.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var micro) ? micro / RedisBalances.Micro : -1;
}
