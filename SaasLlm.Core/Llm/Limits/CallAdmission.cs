using SaasLlm.Core.Common;
using SaasLlm.Core.Credits.Redis;

namespace SaasLlm.Core.Llm.Limits;

/// <summary>A call that may run: it takes up places until it ends, at the latest until its lease does.</summary>
/// <param name="price">What Redis said, when it admitted the call, of the price of the job that opens with it.</param>
internal sealed class CallAdmission(
    LimitWindows windows, string teamId, IReadOnlyList<LimitLevel> levels, CallId call, string? slot, long reserved, ReserveReply? price = null)
{
    private ReserveReply? _price = price;
    private Task? _end;

    /// <summary>For the opening of the job, once: with that, what was set aside is used or given back. Null: ask Redis.</summary>
    public ReserveReply? TakePrice() => Interlocked.Exchange(ref _price, null);

    /// <summary>The call was refused after all, and nothing was sent: it counts for nothing.</summary>
    public Task CancelAsync() => _end ??= windows.SettleAsync(teamId, levels, call, slot, -1, -reserved);

    /// <summary>The call is over. It ends once: asked again, the task is the first one's.</summary>
    /// <param name="tokens">What it used; null where nobody knows, so that what was reserved counts.</param>
    public Task EndAsync(long? tokens) => _end ??= windows.SettleAsync(teamId, levels, call, slot, 0, tokens - reserved ?? 0);
}
