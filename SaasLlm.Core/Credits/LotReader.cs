using System.Globalization;
using Microsoft.EntityFrameworkCore;
using SaasLlm.Core.Common;
using SaasLlm.Core.Data;
using SaasLlm.Core.Teams;

namespace SaasLlm.Core.Credits;

/// <summary>Reads the lots that a team's credits came in.</summary>
public sealed class LotReader(IDbContextFactory<SaasLlmDbContext> contexts)
{
    /// <summary>By id, which is the order they were granted in. 404 <c>team.not_found</c>.</summary>
    public async Task<Result<Page<CreditLot>>> ListAsync(string teamId, LotFilter filter, PageQuery page, CancellationToken cancellation)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellation);
        if (!await db.Teams.AnyAsync(team => team.TeamId == teamId, cancellation))
        {
            return TeamService.NotFound;
        }

        var lots = filter.Apply(db.CreditLots.AsNoTracking().Where(lot => lot.TeamId == teamId));
        if (page.After is not null && Guid.TryParse(page.After, out var after))
        {
            lots = page.Descending ? lots.Where(lot => lot.LotId < after) : lots.Where(lot => lot.LotId > after);
        }

        var ordered = page.Descending ? lots.OrderByDescending(lot => lot.LotId) : lots.OrderBy(lot => lot.LotId);
        return Page.From(await ordered.Take(page.Limit + 1).ToListAsync(cancellation), page.Limit, lot => lot.LotId.ToString());
    }

    /// <summary>The open lots, first to burn first. 404 <c>team.not_found</c>.</summary>
    public async Task<Result<Page<CreditLot>>> ListInBurnOrderAsync(string teamId, string? source, PageQuery page, CancellationToken cancellation)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellation);
        if (!await db.Teams.AnyAsync(team => team.TeamId == teamId, cancellation))
        {
            return TeamService.NotFound;
        }

        var lots = new LotFilter(IsOpen: true, source).Apply(db.CreditLots.AsNoTracking().Where(lot => lot.TeamId == teamId));
        if (page.After is not null && BurnPlace.TryParse(page.After, out var after))
        {
            lots = lots.Where(lot => EF.Functions.GreaterThan(
                ValueTuple.Create(lot.Priority, lot.ExpiresAt ?? DateTimeOffset.MaxValue, lot.CreatedAt, lot.LotId),
                ValueTuple.Create(after.Priority, after.ExpiresAt, after.CreatedAt, after.LotId)));
        }

        var ordered = lots.OrderBy(lot => lot.Priority).ThenBy(lot => lot.ExpiresAt ?? DateTimeOffset.MaxValue)
            .ThenBy(lot => lot.CreatedAt).ThenBy(lot => lot.LotId);
        return Page.From(await ordered.Take(page.Limit + 1).ToListAsync(cancellation), page.Limit, lot => BurnPlace.Of(lot).ToString());
    }
}

/// <summary>Which lots of a team; null is any.</summary>
/// <param name="IsOpen">True: something remains.</param>
/// <param name="Source">One of <see cref="LotSource"/>.</param>
public sealed record LotFilter(bool? IsOpen = null, string? Source = null)
{
    internal IQueryable<CreditLot> Apply(IQueryable<CreditLot> lots)
    {
        lots = IsOpen is null ? lots : IsOpen.Value ? lots.Where(lot => lot.IsOpen) : lots.Where(lot => !lot.IsOpen);
        return Source is null ? lots : lots.Where(lot => lot.Source == Source);
    }
}

/// <summary>Where a lot stands in burn order; as text it is the key of a cursor.</summary>
public readonly record struct BurnPlace(short Priority, DateTimeOffset ExpiresAt, DateTimeOffset CreatedAt, Guid LotId)
{
    public static BurnPlace Of(CreditLot lot) => new(lot.Priority, lot.ExpiresAt ?? DateTimeOffset.MaxValue, lot.CreatedAt, lot.LotId);

    public static bool TryParse(string text, out BurnPlace place)
    {
        place = default;
        if (text.Split(' ') is not [var priority, var expires, var created, var lot]
            || !short.TryParse(priority, NumberStyles.None, CultureInfo.InvariantCulture, out var first)
            || !TryTime(expires, out var expiresAt) || !TryTime(created, out var createdAt) || !Guid.TryParse(lot, out var lotId))
        {
            return false;
        }

        place = new(first, expiresAt, createdAt, lotId);
        return true;
    }

    public override string ToString()
        => string.Create(CultureInfo.InvariantCulture, $"{Priority} {ExpiresAt.UtcTicks} {CreatedAt.UtcTicks} {LotId}");

    private static bool TryTime(string text, out DateTimeOffset time)
    {
        var isTime = long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var ticks) && ticks <= DateTimeOffset.MaxValue.UtcTicks;
        time = isTime ? new(ticks, TimeSpan.Zero) : default;
        return isTime;
    }
}
