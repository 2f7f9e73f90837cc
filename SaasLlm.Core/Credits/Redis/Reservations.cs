using System.Diagnostics;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits.Rules;
using SaasLlm.Core.Data;
using SaasLlm.Core.Failpoints;

namespace SaasLlm.Core.Credits.Redis;

/// <summary>
/// The early word on a job's price: Redis refuses what cannot be paid without a touch of Postgres, and lets the rest go on
/// to the writer, who decides. A refusal that may rest on a lost push is confirmed in Postgres once, which seeds Redis anew.
/// </summary>
internal sealed class Reservations(RedisBalances redis, BalanceReader balances, LedgerOptions options, LedgerTelemetry telemetry, TimeProvider time)
{
    private static readonly TimeSpan s_margin = TimeSpan.FromSeconds(1);

    private readonly WaitingPushes _waiting = new();

    // Until then (Stopwatch), Redis may not know what this process has already told its callers.
    private long _doubtedUntil;

    /// <summary>A refusal, or null: go on to the writer.</summary>
    /// <param name="asked">What Redis said, where it was asked before.</param>
    public async Task<Failure?> ReserveAsync(string teamId, JobId job, decimal? price, TimeSpan lifetime, ReserveReply? asked = null)
    {
        var reply = asked ?? await redis.ReserveAsync(teamId, job, price, lifetime);
        if (reply.Status is ReserveStatus.NoAnswer or ReserveStatus.Held)
        {
            return null;
        }

        if (reply is { Status: ReserveStatus.Refused, IsCertain: true } && !IsDoubted())
        {
            return Refuse(reply.Balance, reply.Holds, "redis");
        }

        return await ConfirmAsync(teamId, job, price, lifetime);
    }

    /// <summary>The job was not opened: gives back what was set aside for it, if anything was.</summary>
    public async Task ReleaseAsync(string teamId, JobId job)
    {
        Failpoint.Hit(FailpointName.ReleaseReservation);
        if (!Failpoint.Skips(FailpointName.ReleaseReservation) && !await redis.ReleaseAsync(teamId, job))
        {
            Doubt(options.ReservationLease);
        }
    }

    /// <summary>
    /// Tells Redis the balances that a commit left, where it only opened holds a moment later. Never throws: what is lost here, the
    /// next seed brings.
    /// </summary>
    public Task PushAsync(IReadOnlyList<BalancePush> pushes)
    {
        var (due, beganToWait) = _waiting.Take(pushes);
        if (beganToWait)
        {
            _ = FlushLaterAsync();
        }

        return SendAsync(due);
    }

    /// <summary>Sends what waits.</summary>
    public Task FlushAsync() => SendAsync(_waiting.TakeAll());

    private async Task FlushLaterAsync()
    {
        await Task.Delay(WaitingPushes.WaitMax, time);
        await FlushAsync();
    }

    private Task SendAsync(IReadOnlyList<BalancePush> pushes) => pushes.Count == 0 ? Task.CompletedTask : Task.WhenAll(pushes.Select(PushAsync));

    private async Task PushAsync(BalancePush push)
    {
        if (!await redis.PushAsync(push))
        {
            // After that a balance is too old to refuse by itself.
            Doubt(options.RefusalAgeMax);
        }
    }

    private void Doubt(TimeSpan span)
    {
        var until = Stopwatch.GetTimestamp() + (long)((span + s_margin).TotalSeconds * Stopwatch.Frequency);
        // A race may forget the longer one: then a refusal is Redis' alone, as it is in every other process.
        Volatile.Write(ref _doubtedUntil, Math.Max(until, Volatile.Read(ref _doubtedUntil)));
    }

    private bool IsDoubted() => Stopwatch.GetTimestamp() < Volatile.Read(ref _doubtedUntil);

    private async Task<Failure?> ConfirmAsync(string teamId, JobId job, decimal? price, TimeSpan lifetime)
    {
        BalancePush? balance;
        try
        {
            balance = await balances.ReadAsync(teamId);
        }
        catch (Exception exception) when (StoreErrors.IsUnavailable(exception))
        {
            return StoreErrors.Unavailable;
        }

        if (balance is null)
        {
            return LedgerFailures.TeamNotFound;
        }

        await redis.SeedAsync(balance);
        var view = new BalanceView(balance.Allocated, balance.Used, balance.Held, balance.IsJobBased && price is { } own ? own : balance.OpeningHold);
        if (view.Needed > view.Available)
        {
            return Refuse(view, balance.Opened, "postgres");
        }

        // Whatever Redis says now, Postgres had enough a moment ago, and what is set aside here may stem from a lost push:
        // the writer decides.
        await redis.ReserveAsync(teamId, job, price, lifetime);
        return null;
    }

    private Failure Refuse(BalanceView balance, IReadOnlyList<HoldView> holds, string by)
    {
        telemetry.Refused(by);
        return CreditRefusal.WithHolds(CreditRefusal.Insufficient(balance), holds);
    }
}
