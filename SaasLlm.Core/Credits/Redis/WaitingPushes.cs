namespace SaasLlm.Core.Credits.Redis;

/// <summary>
/// Pushes that only open holds. Their reservations set the same credits aside already, so Redis need not hear of them at once: they
/// go with their team's next push, which is often that of the same holds' end.
/// </summary>
internal sealed class WaitingPushes
{
    /// <summary>The longest that one waits; far below <see cref="LedgerOptions.ReservationLease"/>.</summary>
    public static readonly TimeSpan WaitMax = TimeSpan.FromMilliseconds(50);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, BalancePush> _waiting = new(StringComparer.Ordinal);

    /// <summary>Takes a commit's pushes, and returns what is to be sent now. True: the first began to wait, so call <see cref="TakeAll"/> in time.</summary>
    public (IReadOnlyList<BalancePush> Due, bool BeganToWait) Take(IReadOnlyList<BalancePush> pushes)
    {
        List<BalancePush> due = [];
        lock (_gate)
        {
            var wasEmpty = _waiting.Count == 0;
            foreach (var push in pushes)
            {
                var joined = push;
                if (_waiting.Remove(push.TeamId, out var earlier) && !earlier.TryJoin(push, out joined))
                {
                    due.Add(earlier);
                }

                if (joined.OnlyOpens)
                {
                    _waiting.Add(joined.TeamId, joined);
                }
                else
                {
                    due.Add(joined);
                }
            }

            return (due, wasEmpty && _waiting.Count > 0);
        }
    }

    public IReadOnlyList<BalancePush> TakeAll()
    {
        lock (_gate)
        {
            IReadOnlyList<BalancePush> all = [.. _waiting.Values];
            _waiting.Clear();
            return all;
        }
    }
}
