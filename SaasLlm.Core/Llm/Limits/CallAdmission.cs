using SaasLlm.Core.Common;

namespace SaasLlm.Core.Llm.Limits;

/// <summary>A call that may run: it takes up places until it ends, at the latest until its lease does.</summary>
internal sealed class CallAdmission(
    LimitWindows windows, string teamId, IReadOnlyList<LimitLevel> levels, CallId call, string? slot, long reserved)
{
    /// <summary>The call was refused after all, and nothing was sent: it counts for nothing.</summary>
    public Task CancelAsync() => windows.SettleAsync(teamId, levels, call, slot, -1, -reserved);

    /// <summary>The call is over.</summary>
    /// <param name="tokens">What it used; null where nobody knows, so that what was reserved counts.</param>
    public Task EndAsync(long? tokens) => windows.SettleAsync(teamId, levels, call, slot, 0, tokens - reserved ?? 0);
}
