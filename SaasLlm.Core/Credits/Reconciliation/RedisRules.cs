using SaasLlm.Core.Common;
using SaasLlm.Core.Credits.Redis;

namespace SaasLlm.Core.Credits.Reconciliation;

/// <summary>An account as Postgres had it after Redis was looked at, with those of the holds seen there that it knows.</summary>
/// <param name="OpeningHold">What opening a job holds.</param>
/// <param name="IsAtRest">It last changed so long ago that Redis must have heard of it.</param>
internal sealed record AccountView(
    string TeamId, long Version, decimal Available, decimal OpeningHold, bool IsAtRest, IReadOnlySet<JobId> OpenJobs);

/// <summary>
/// What is wrong with a team's balance in Redis. Redis was looked at first: by the time Postgres was read it knew every
/// version that Redis can have heard of.
/// </summary>
internal static class RedisRules
{
    public static IEnumerable<Difference> Judge(AccountView account, RedisView redis)
    {
        if (redis.Version > account.Version)
        {
            yield return Of(DifferenceKind.RedisAhead, "", account.Version, redis.Version);
            yield break;
        }

        if (account.IsAtRest && redis.Version - redis.Missing < account.Version)
        {
            yield return Of(DifferenceKind.RedisBehind, "", account.Version, redis.Version - redis.Missing);
        }

        if (redis.Pending != redis.Reserved)
        {
            yield return Of(DifferenceKind.RedisPending, "", redis.Reserved, redis.Pending);
        }

        if (redis.Version == account.Version && RedisBalances.AsCounted(account.Available) is var available && redis.Available != available)
        {
            yield return Of(DifferenceKind.RedisBalance, "available", available, redis.Available);
        }

        if (redis.Version == account.Version && RedisBalances.AsCounted(account.OpeningHold) is var price && redis.OpeningHold != price)
        {
            yield return Of(DifferenceKind.RedisBalance, "price", price, redis.OpeningHold);
        }

        if (Orphans(account, redis).Count() is var orphans and > 0)
        {
            yield return Of(DifferenceKind.RedisHolds, "", 0, orphans);
        }

        Difference Of(string kind, string subject, decimal expected, decimal found) => new(account.TeamId, kind, subject, expected, found);
    }

    /// <summary>
    /// Reservations whose lease is over and whose job is not open; and holds in the balance that this version of the account
    /// does not have, if no push is missing that would have ended them.
    /// </summary>
    public static IEnumerable<JobId> Orphans(AccountView account, RedisView redis)
        => redis.Overdue.Concat(redis.Version == account.Version && redis.Missing == 0 ? redis.Contained : [])
            .Where(job => !account.OpenJobs.Contains(job));
}
