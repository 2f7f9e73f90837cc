using SaasLlm.Core.Common;

namespace SaasLlm.Core.Credits.Rules;

/// <summary>Credits that were granted together, as the writer read them under their account's lock. Amounts are credits.</summary>
/// <param name="ExpiresAt">Null: never.</param>
/// <param name="Remaining">Neither burned nor expired.</param>
/// <param name="Reserved">The part of <paramref name="Remaining"/> that open holds have set aside.</param>
internal sealed record LotState(
    LotId LotId, int Priority, DateTimeOffset? ExpiresAt, DateTimeOffset CreatedAt, decimal Granted, decimal Remaining, decimal Reserved)
{
    /// <summary>What a hold, an expiry or a negative adjustment may take.</summary>
    public decimal Free => Remaining - Reserved;

    public bool HasExpired(DateTimeOffset now) => ExpiresAt <= now;
}

/// <summary>Lots burn by priority, then earliest expiry, then oldest. Every change of lots is one of these few.</summary>
internal static class LotRules
{
    /// <summary>How long a refund into a lot that has expired can be used.</summary>
    public static readonly TimeSpan RevivedLife = TimeSpan.FromDays(30);

    /// <summary>The same lots, first to burn first.</summary>
    public static IReadOnlyList<LotState> InBurnOrder(IReadOnlyList<LotState> lots)
    {
        var sorted = lots.ToArray();
        Array.Sort(sorted, CompareBurnOrder);
        return sorted;
    }

    private static int CompareBurnOrder(LotState a, LotState b)
    {
        var order = a.Priority.CompareTo(b.Priority);
        order = order != 0 ? order : (a.ExpiresAt ?? DateTimeOffset.MaxValue).CompareTo(b.ExpiresAt ?? DateTimeOffset.MaxValue);
        order = order != 0 ? order : a.CreatedAt.CompareTo(b.CreatedAt);
        return order != 0 ? order : a.LotId.Value.CompareTo(b.LotId.Value);
    }

    /// <summary>The free credits of <paramref name="lots"/>, in burn order, up to <paramref name="credits"/>.</summary>
    public static IReadOnlyList<LotShare> TakeFree(IReadOnlyList<LotState> lots, decimal credits)
    {
        List<LotShare> taken = [];
        foreach (var lot in lots)
        {
            var share = Math.Min(lot.Free, credits);
            if (share > 0)
            {
                taken.Add(new(lot.LotId, share));
                credits -= share;
            }
        }

        // Available is the sum of what is free in the lots: whoever asks for more has not asked the account first.
        return credits <= 0 ? taken : throw new InvalidOperationException($"The lots lack {credits} credits that the account has.");
    }

    /// <summary>The first <paramref name="credits"/> of <paramref name="shares"/>, and the rest.</summary>
    public static (IReadOnlyList<LotShare> First, IReadOnlyList<LotShare> Remainder) Split(IReadOnlyList<LotShare> shares, decimal credits)
    {
        List<LotShare> first = [], rest = [];
        foreach (var share in shares)
        {
            var part = Math.Min(share.Credits, credits);
            credits -= part;
            if (part > 0)
            {
                first.Add(share with { Credits = part });
            }

            if (part < share.Credits)
            {
                rest.Add(share with { Credits = share.Credits - part });
            }
        }

        return (first, rest);
    }

    /// <summary>Both together, each lot once, in the order they first appear.</summary>
    public static IReadOnlyList<LotShare> Join(IReadOnlyList<LotShare> shares, IReadOnlyList<LotShare> more)
        => more.Count == 0 ? shares
            : [.. shares.Concat(more).GroupBy(share => share.LotId, (lot, parts) => new LotShare(lot, parts.Sum(part => part.Credits)))];

    /// <summary>
    /// What a refund of <paramref name="credits"/> gives back: the newest burn first, after what was refunded before.
    /// </summary>
    public static IReadOnlyList<LotShare> Refund(IReadOnlyList<LotShare> burned, decimal refundedBefore, decimal credits)
        => Split(Split([.. burned.Reverse()], refundedBefore).Remainder, credits).First;

    /// <summary>The lots with <paramref name="change"/> applied to those that <paramref name="shares"/> name.</summary>
    public static IReadOnlyList<LotState> Change(
        IReadOnlyList<LotState> lots, IReadOnlyList<LotShare> shares, Func<LotState, decimal, LotState> change)
    {
        if (shares.Count == 0)
        {
            return lots;
        }

        var changed = lots.ToArray();
        foreach (var share in shares)
        {
            var index = Array.FindIndex(changed, lot => lot.LotId == share.LotId);
            changed[index] = change(changed[index], share.Credits);
        }

        return changed;
    }

    /// <summary>The same shares, as what a transaction takes away.</summary>
    public static IReadOnlyList<LotShare> Negative(IReadOnlyList<LotShare> shares)
        => [.. shares.Select(share => share with { Credits = -share.Credits })];
}
