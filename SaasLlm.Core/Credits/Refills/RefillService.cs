using Microsoft.EntityFrameworkCore;
using SaasLlm.Core.Common;
using SaasLlm.Core.Data;
using SaasLlm.Core.Idempotency;
using SaasLlm.Core.Teams;

namespace SaasLlm.Core.Credits.Refills;

/// <summary>Sets which credits a team gets by itself.</summary>
public sealed class RefillService(IDbContextFactory<SaasLlmDbContext> contexts)
{
    private static readonly TimeSpan s_farthest = TimeSpan.FromDays(366);

    private static readonly Failure s_incomplete = new(FailureKind.Invalid, "credits.refill_incomplete", "A refill needs period and credits.");

    private static readonly Failure s_far = new(FailureKind.Invalid, "credits.refill_start", "A refill starts within a year of now.");

    /// <summary>
    /// Sets or changes a team's refill. What is not named stays as it is; a change of the period, another start, and a refill that was switched
    /// off begin anew, and never at a tick that was decided. 404 <c>team.not_found</c>, 400 <c>credits.refill_incomplete</c> where a team that has none names too little, 400
    /// <c>credits.refill_start</c>. Null: what was switched off was never set.
    /// </summary>
    /// <param name="work">Whose repeat finds what it set.</param>
    public async Task<Result<CreditRefill?>> ConfigureAsync(string teamId, RefillChange change, IdempotentWork work, CancellationToken cancellation)
    {
        if (work.Recall<CreditRefill>() is { } set)
        {
            return set;
        }

        await using var db = await contexts.CreateDbContextAsync(cancellation);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellation);
        // The team's row is the turn: two changes of one team come one after the other.
        if (await db.Database.SqlQuery<DateTimeOffset>($"SELECT ledger_now() AS \"Value\" FROM teams WHERE team_id = {teamId} FOR NO KEY UPDATE")
                .ToListAsync(cancellation) is not [var now])
        {
            return TeamService.NotFound;
        }

        // A tick that is being decided is waited for: what is written below must not take it back.
        var standing = (await db.CreditRefills.FromSql($"SELECT * FROM credit_refills WHERE team_id = {teamId} FOR UPDATE").AsNoTracking()
            .ToListAsync(cancellation)).SingleOrDefault();
        if (!change.IsComplete(standing))
        {
            return change.IsEnabled ? s_incomplete : default(CreditRefill);
        }

        if (change.StartsAt is { } start && (start - now).Duration() > s_farthest)
        {
            return s_far;
        }

        var refill = change.Apply(teamId, standing, now);
        await db.Database.ExecuteSqlAsync($"""
            INSERT INTO credit_refills (team_id, is_enabled, period, mode, credits, expires, starts_at, next_refill_at, cost_basis_usd)
            VALUES ({teamId}, {refill.IsEnabled}, {refill.Period}, {refill.Mode}, {refill.Credits}, {refill.Expires}, {refill.StartsAt}, {refill.NextRefillAt},
                    {refill.CostBasisUsd})
            ON CONFLICT (team_id) DO UPDATE
               SET is_enabled = excluded.is_enabled, period = excluded.period, mode = excluded.mode, credits = excluded.credits,
                   expires = excluded.expires, starts_at = excluded.starts_at, next_refill_at = excluded.next_refill_at,
                   cost_basis_usd = excluded.cost_basis_usd, updated_at = now()
            """, cancellation);
        var stored = await db.CreditRefills.AsNoTracking().SingleAsync(row => row.TeamId == teamId, cancellation);
        await work.KeepAsync(db, stored, cancellation);
        await transaction.CommitAsync(cancellation);
        return stored;
    }
}

/// <summary>What to set of a refill; null stays as it is.</summary>
public sealed record RefillChange(
    bool IsEnabled, string? Period = null, string? Mode = null, decimal? Credits = null, bool? Expires = null, DateTimeOffset? StartsAt = null,
    decimal? CostBasisUsd = null)
{
    internal bool IsComplete(CreditRefill? standing) => standing is not null || (Period is not null && Credits is not null);

    internal CreditRefill Apply(string teamId, CreditRefill? standing, DateTimeOffset now)
    {
        var period = Period ?? standing!.Period;
        var isSame = standing is not null && period == standing.Period && (StartsAt is null || Stored(StartsAt.Value) == standing.StartsAt);
        var goesOn = isSame && standing!.IsEnabled;
        var startsAt = goesOn || isSame && !IsEnabled ? standing!.StartsAt : Stored(StartsAt ?? RefillPeriod.BoundaryAfter(period, now));
        return new()
        {
            TeamId = teamId,
            IsEnabled = IsEnabled,
            Period = period,
            Mode = Mode ?? standing?.Mode ?? RefillMode.Amount,
            Credits = Credits ?? standing!.Credits,
            Expires = Expires ?? standing?.Expires ?? false,
            CostBasisUsd = CostBasisUsd ?? standing?.CostBasisUsd,
            StartsAt = startsAt,
            NextRefillAt = goesOn ? standing!.NextRefillAt : FirstTick(period, startsAt, now, standing?.LastRefillAt),
        };
    }

    // The newest tick that is past, or the first. One that was decided stays decided, though it gave nothing.
    private static DateTimeOffset FirstTick(string period, DateTimeOffset startsAt, DateTimeOffset now, DateTimeOffset? decided)
    {
        var newest = Math.Max(0, RefillPeriod.TicksUntil(period, startsAt, now) - 1);
        return RefillPeriod.TickAt(period, startsAt, decided is { } last ? Math.Max(newest, RefillPeriod.TicksUntil(period, startsAt, last)) : newest);
    }

    // Postgres keeps microseconds.
    private static DateTimeOffset Stored(DateTimeOffset moment)
        => new(moment.UtcTicks - (moment.UtcTicks % TimeSpan.TicksPerMicrosecond), TimeSpan.Zero);
}
