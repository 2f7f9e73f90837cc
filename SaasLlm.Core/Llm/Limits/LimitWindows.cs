using System.Globalization;
using Microsoft.Extensions.Options;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Credits.Redis;
using SaasLlm.Core.Data;
using SaasLlm.Core.Teams;
using StackExchange.Redis;

namespace SaasLlm.Core.Llm.Limits;

/// <summary>A level that limits calls: a team, or one of its keys.</summary>
/// <param name="Name"><c>team</c> or <c>key</c>.</param>
/// <param name="Id">The team's or the key's.</param>
internal sealed record LimitLevel(string Name, string Id, RateLimits Limits);

/// <summary>Where a level stands. Numbers are after the call, if it was admitted; 0 where the level does not limit.</summary>
/// <param name="RequestsWait">Until one more request fits; zero: it did; null: never.</param>
/// <param name="TokensWait">Until the call's tokens fit; zero: they did; null: never.</param>
/// <param name="ParallelWait">Until the first running call's lease ends, at the latest; zero: there was room.</param>
/// <param name="EmptyIn">Until nothing that was used counts any more.</param>
internal sealed record LevelState(
    LimitLevel Level, long Requests, long Tokens, long Running, TimeSpan? RequestsWait, TimeSpan? TokensWait, TimeSpan ParallelWait, TimeSpan EmptyIn);

/// <summary>A reply of <c>admit.lua</c>, or of <c>admit_and_reserve.lua</c>.</summary>
/// <param name="Slot">Where the call is counted.</param>
/// <param name="Reserved">What was said of the price of the job that opens with the call; null where none does, and where the call is not admitted.</param>
internal sealed record AdmitReply(bool IsAdmitted, string Slot, IReadOnlyList<LevelState> Levels, ReserveReply? Reserved = null);

/// <summary>The typed caller of the Lua scripts beside it. Every key of a team carries the same hash tag as its credits.</summary>
internal sealed class LimitWindows(IConnectionMultiplexer redis, RedisGuard guard, RedisBalances balances, IOptions<LimitOptions> options)
{
    private const int HeadParts = 2;
    private const int LevelParts = 7;

    private static readonly RedisScript s_admit = RedisScript.Embedded("SaasLlm.Core.Llm.Limits.admit.lua");
    private static readonly RedisScript s_admitAndReserve = RedisScript.Composed(
        "SaasLlm.Core.Llm.Limits.admit_and_reserve.lua",
        ("admit.lua", "SaasLlm.Core.Llm.Limits.admit.lua"), ("reserve.lua", "SaasLlm.Core.Credits.Redis.reserve.lua"));

    private static readonly RedisScript s_settle = RedisScript.Embedded("SaasLlm.Core.Llm.Limits.settle.lua");

    /// <summary>Admits the call at all levels or at none. Null: Redis did not answer in time; the script may still run.</summary>
    /// <param name="tokens">What the call may use at most.</param>
    /// <param name="lease">After it the call runs no more, whatever became of its process.</param>
    /// <param name="opens">The job that opens with the call: its price is set aside in the same step, if the call is admitted.</param>
    /// <param name="now">Tests set the clock; null is the server's.</param>
    public async Task<AdmitReply?> AdmitAsync(
        string teamId, IReadOnlyList<LimitLevel> levels, CallId call, long tokens, TimeSpan lease, OpenJob? opens = null, DateTimeOffset? now = null)
    {
        var slot = options.Value.Window / options.Value.Slots;
        List<RedisValue> values =
        [
            now is { } at ? at.ToUnixTimeMilliseconds() : RedisValue.EmptyString, (long)slot.TotalMilliseconds, options.Value.Slots + 1,
            call.Value.ToString("N"), (long)lease.TotalMilliseconds, tokens,
        ];
        foreach (var (requests, perMinute, parallel) in levels.Select(level => level.Limits))
        {
            values.AddRange([Limit(requests), Limit(perMinute), Limit(parallel)]);
        }

        var keys = Keys(teamId, levels);
        if (opens is null)
        {
            var reply = await guard.TryAsync("admit_call", () => s_admit.EvaluateAsync(redis.GetDatabase(), keys, [.. values]));
            return reply is null ? null : Read(reply, levels);
        }

        RedisKey[] allKeys = [.. RedisBalances.Keys(teamId), .. keys];
        RedisValue[] allValues = [.. balances.ReserveValues(opens.JobId, opens.Price, opens.Lifetime), .. values];
        var both = (RedisResult[]?)await guard.TryAsync(
            "admit_and_reserve", () => s_admitAndReserve.EvaluateAsync(redis.GetDatabase(), allKeys, allValues));
        return both is null ? null : Read(both[0], levels) with { Reserved = both.Length > 1 ? balances.ReadReserve(both[1]) : null };
    }

    /// <summary>Frees the call's places, and counts what it used instead of what was reserved. Never throws: what is lost ends with its lease.</summary>
    /// <param name="slot">Null where nobody knows whether it was counted.</param>
    public Task SettleAsync(string teamId, IReadOnlyList<LimitLevel> levels, CallId call, string? slot, int requests, long tokens)
    {
        List<RedisValue> values = [call.Value.ToString("N"), slot ?? ""];
        foreach (var limits in levels.Select(level => level.Limits))
        {
            values.Add(limits.RequestsPerMinute is null ? 0 : requests);
            values.Add(limits.TokensPerMinute is null ? 0 : tokens);
        }

        return guard.TryAsync("settle_call", () => s_settle.EvaluateAsync(redis.GetDatabase(), Keys(teamId, levels), [.. values]));
    }

    private static RedisKey[] Keys(string teamId, IReadOnlyList<LimitLevel> levels)
    {
        var keys = new RedisKey[levels.Count * 2];
        for (var i = 0; i < levels.Count; i++)
        {
            var name = levels[i].Name == "team" ? $"{{team:{teamId}}}:limits" : $"{{team:{teamId}}}:limits:{levels[i].Id}";
            (keys[2 * i], keys[(2 * i) + 1]) = (name, $"{name}:calls");
        }

        return keys;
    }

    private static AdmitReply Read(RedisResult reply, IReadOnlyList<LimitLevel> levels)
    {
        var parts = Array.ConvertAll(((RedisResult[]?)reply)!, part => ((string?)part)!);
        var states = parts.Skip(HeadParts).Chunk(LevelParts).Zip(levels, (numbers, level) => new LevelState(
            level, Whole(numbers[0]), Whole(numbers[1]), Whole(numbers[2]),
            Wait(numbers[3]), Wait(numbers[4]), TimeSpan.FromMilliseconds(Whole(numbers[5])), TimeSpan.FromMilliseconds(Whole(numbers[6]))));
        return new(parts[0] == "1", parts[1], [.. states]);
    }

    private static RedisValue Limit(long? limit) => limit ?? RedisValue.EmptyString;

    private static TimeSpan? Wait(string milliseconds) => Whole(milliseconds) is >= 0 and var wait ? TimeSpan.FromMilliseconds(wait) : null;

    private static long Whole(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
