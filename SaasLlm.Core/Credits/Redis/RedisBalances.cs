using System.Globalization;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits.Rules;
using SaasLlm.Core.Data;
using StackExchange.Redis;

namespace SaasLlm.Core.Credits.Redis;

/// <summary>What Redis said to a reservation.</summary>
internal enum ReserveStatus
{
    /// <summary>Redis is not there or too slow: Postgres decides alone. The script may still run; its hold ends with its lease.</summary>
    NoAnswer,

    /// <summary>No balance in Redis.</summary>
    Cold,

    /// <summary>Set aside, or free.</summary>
    Held,

    /// <summary>Not enough.</summary>
    Refused,
}

/// <summary>A reply of <c>reserve.lua</c>.</summary>
/// <param name="IsCertain">A refusal from a young balance with no push missing.</param>
internal sealed record ReserveReply(ReserveStatus Status, bool IsCertain, BalanceView Balance, IReadOnlyList<HoldView> Holds)
{
    public static ReserveReply Of(ReserveStatus status) => new(status, false, default, []);
}

/// <summary>The balance that a commit left, or that was read: what Redis is told.</summary>
internal sealed record BalancePush(
    string TeamId, long FromVersion, long Version, decimal Allocated, decimal Used, decimal Held, decimal OpeningHold, bool IsJobBased,
    IReadOnlyList<HoldView> Opened, IReadOnlyList<JobId> Ended)
{
    /// <summary>Nothing but holds that reservations stand for.</summary>
    public bool OnlyOpens { get; init; }

    /// <summary>One push for both. Not where another process committed between them: each names the versions that it brings.</summary>
    public bool TryJoin(BalancePush next, out BalancePush joined)
    {
        joined = next;
        if (next.FromVersion != Version)
        {
            return false;
        }

        HashSet<JobId> known = [.. next.Ended, .. next.Opened.Select(hold => hold.JobId)];
        joined = next with { FromVersion = FromVersion, Opened = [.. Opened.Where(hold => !known.Contains(hold.JobId)), .. next.Opened] };
        return true;
    }
}

/// <summary>The typed caller of the Lua scripts beside it. Every key of a team carries the same hash tag.</summary>
internal sealed class RedisBalances(IConnectionMultiplexer redis, RedisGuard guard, LedgerOptions options)
{
    /// <summary>Lua counts in millionths of a credit.</summary>
    internal const decimal Micro = 1_000_000m;

    // Lua counts in doubles, exact below 2^53. More than four billion credits never refuse early anyway.
    private const decimal CreditsCap = 4_000_000_000m;

    private static readonly RedisScript s_reserve = Script("reserve");
    private static readonly RedisScript s_release = Script("release");
    private static readonly RedisScript s_push = Script("push");
    private static readonly RedisScript s_seed = Script("seed");

    /// <param name="price">Of the job's type, for teams that pay by the job; null is the team's own.</param>
    public async Task<ReserveReply> ReserveAsync(string teamId, JobId job, decimal? price, TimeSpan lifetime)
    {
        var reply = await EvaluateAsync("reserve", s_reserve, teamId, ReserveValues(job, price, lifetime));
        return reply is null ? ReserveReply.Of(ReserveStatus.NoAnswer) : ReadReserve(reply);
    }

    /// <summary>What <c>reserve.lua</c> is given, for a script that does the same and more.</summary>
    internal RedisValue[] ReserveValues(JobId job, decimal? price, TimeSpan lifetime) =>
    [
        job.ToString(), Milliseconds(options.ReservationLease), Milliseconds(lifetime), CreditRefusal.HoldsMax,
        price is { } own ? ToMicro(own) : RedisValue.EmptyString,
    ];

    internal ReserveReply ReadReserve(RedisResult reply) => Read(Texts(reply));

    /// <summary>Gives back what <see cref="ReserveAsync"/> set aside for a job that was not opened. False: Redis did not hear it, or only later.</summary>
    public async Task<bool> ReleaseAsync(string teamId, JobId job)
        => await EvaluateAsync("release", s_release, teamId, [job.ToString()]) is not null;

    /// <summary>False: Redis did not hear it, or only later.</summary>
    public async Task<bool> PushAsync(BalancePush push)
    {
        List<RedisValue> values =
        [
            push.FromVersion, push.Version, ToMicro(push.Allocated - push.Used - push.Held), ToMicro(push.OpeningHold),
            Text(push.Allocated), Text(push.Used), Text(push.Held), push.IsJobBased, push.Opened.Count,
        ];
        AddHolds(values, push.Opened);
        values.AddRange(push.Ended.Select(job => (RedisValue)job.ToString()));
        return await EvaluateAsync("push", s_push, push.TeamId, [.. values]) is not null;
    }

    /// <summary>Seeds a balance with all its open holds (<see cref="BalancePush.Opened"/>). False: Redis did not hear it.</summary>
    public async Task<bool> SeedAsync(BalancePush balance)
    {
        List<RedisValue> values =
        [
            balance.Version, ToMicro(balance.Allocated - balance.Used - balance.Held), ToMicro(balance.OpeningHold),
            Text(balance.Allocated), Text(balance.Used), Text(balance.Held), balance.IsJobBased, Milliseconds(options.BalanceLife),
        ];
        AddHolds(values, balance.Opened);
        return await EvaluateAsync("seed", s_seed, balance.TeamId, [.. values]) is not null;
    }

    /// <summary>What Redis says of an amount, once it was told.</summary>
    internal static decimal AsCounted(decimal credits) => ToMicro(credits) / Micro;

    internal static RedisScript Script(string name) => RedisScript.Embedded($"SaasLlm.Core.Credits.Redis.{name}.lua");

    internal static string[] Texts(RedisResult reply) => Array.ConvertAll(((RedisResult[]?)reply)!, part => ((string?)part)!);

    /// <summary>Runs a script on the four keys of a team; null when Redis did not answer.</summary>
    internal Task<RedisResult?> EvaluateAsync(string what, RedisScript script, string teamId, RedisValue[] values)
    {
        var keys = Keys(teamId);
        return guard.TryAsync(what, () => script.EvaluateAsync(redis.GetDatabase(), keys, values));
    }

    /// <summary>A team's four, in the order of every script.</summary>
    internal static RedisKey[] Keys(string teamId)
    {
        var tag = $"{{team:{teamId}}}";
        return [$"{tag}:balance", $"{tag}:holds", $"{tag}:amounts", $"{tag}:pending"];
    }

    private ReserveReply Read(string[] reply) => reply[0] switch
    {
        "cold" => ReserveReply.Of(ReserveStatus.Cold),
        "held" => ReserveReply.Of(ReserveStatus.Held),
        _ => new(
            ReserveStatus.Refused,
            IsCertain: Number(reply[1]) <= Milliseconds(options.RefusalAgeMax) && reply[2] == "0",
            // What is set aside here and not yet in the pushed balance is held as well.
            new(Number(reply[3]), Number(reply[4]), Number(reply[5]) + (Number(reply[6]) / Micro), Number(reply[7]) / Micro),
            [.. reply.Skip(8).Chunk(3).Select(ReadHold)]),
    };

    private static HoldView ReadHold(string[] hold)
        => new(new(Guid.Parse(hold[0])), Number(hold[1]) / Micro, DateTimeOffset.FromUnixTimeMilliseconds((long)Number(hold[2])));

    private static void AddHolds(List<RedisValue> values, IReadOnlyList<HoldView> holds)
    {
        foreach (var hold in holds)
        {
            values.Add(hold.JobId.ToString());
            values.Add(ToMicro(hold.Credits));
            values.Add(hold.ExpiresAt.ToUnixTimeMilliseconds());
        }
    }

    private static long ToMicro(decimal credits) => (long)(Math.Min(credits, CreditsCap) * Micro);

    private static long Milliseconds(TimeSpan span) => (long)Math.Min(span.TotalMilliseconds, 1e12);

    private static string Text(decimal value) => Money.Trim(value).ToString(CultureInfo.InvariantCulture);

    private static decimal Number(string text) => decimal.Parse(text, CultureInfo.InvariantCulture);
}
