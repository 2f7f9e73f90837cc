using System.Collections.Concurrent;
using System.Diagnostics;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits.Rules;

namespace SaasLlm.Core.Credits.Redis;

/// <summary>
/// The teams whose balance, as this process last committed it, pays for a thousand jobs and more. There is nothing to refuse early:
/// Redis is not asked about their jobs, and what it is told of them waits for a second and goes in one push. Postgres decides as ever.
/// </summary>
internal sealed class AmpleTeams(Func<BalancePush, Task> send)
{
    /// <summary>How many openings a balance must pay for.</summary>
    private const int OpeningsMin = 1000;

    // One push must not keep Redis from others for long.
    private const int HoldsMax = 500;

    // A balance in Redis that is older does not refuse by itself (LedgerOptions.RefusalAgeMax); one that is this young serves the next.
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, Team> _teams = new(StringComparer.Ordinal);

    /// <summary>True where no process is in a hurry to tell Redis what was freed, so that a refusal from there is not the last word.</summary>
    /// <param name="openingHold">Zero: the team's jobs are free, and only those of a type with a price are asked about.</param>
    public static bool IsAmple(decimal available, decimal openingHold) => openingHold > 0 && available >= OpeningsMin * openingHold;

    /// <summary>True when a job may go to the writer without a word to Redis.</summary>
    /// <param name="price">Of the job's type; null is the team's own.</param>
    public bool Covers(string teamId, decimal? price)
        => _teams.TryGetValue(teamId, out var team) && team.Covers(price);

    /// <summary>Takes over what a commit left of a team. False: it is not ample, and to be pushed now, after what waited here.</summary>
    public bool TryTake(BalancePush push)
    {
        if (!IsAmple(push.Available, push.OpeningHold))
        {
            if (_teams.TryRemove(push.TeamId, out var before) && before.End() is { } waiting)
            {
                _ = send(waiting);
            }

            return false;
        }

        Team? team;
        BalancePush? full;
        do
        {
            team = _teams.GetOrAdd(push.TeamId, static (_, self) => new Team(self), this);
        }
        while (!team.TryAdd(push, out full));
        if (full is not null)
        {
            _ = send(full);
        }

        return true;
    }

    /// <summary>What waits of one team.</summary>
    private sealed class Team
    {
        private readonly Lock _gate = new();
        private readonly AmpleTeams _owner;
        private readonly Dictionary<JobId, HoldView> _opened = [];
        private readonly List<JobId> _ended = [];
        private BalancePush? _last;
        private long _from;
        private decimal _available;
        private decimal _openingHold;
        private long _knownAt;
        private bool _isTelling;
        private bool _isOver;

        public Team(AmpleTeams owner) => _owner = owner;

        public bool Covers(decimal? price)
        {
            lock (_gate)
            {
                return !_isOver && _knownAt != 0 && Stopwatch.GetElapsedTime(_knownAt) < s_pause
                    && IsAmple(_available, Math.Max(_openingHold, price ?? 0));
            }
        }

        /// <summary>False: this one is over, ask for another.</summary>
        /// <param name="full">What must go out now.</param>
        public bool TryAdd(BalancePush push, out BalancePush? full)
        {
            lock (_gate)
            {
                full = null;
                if (_isOver)
                {
                    return false;
                }

                // Another replica's commit lies between: the two cannot be told as one.
                if (_last is not null && (push.FromVersion != _last.Version || _opened.Count + _ended.Count >= HoldsMax))
                {
                    full = Take();
                }

                Merge(push);
                if (!_isTelling)
                {
                    _isTelling = true;
                    _ = TellAsync(push.TeamId);
                }

                return true;
            }
        }

        public BalancePush? End()
        {
            lock (_gate)
            {
                _isOver = true;
                return Take();
            }
        }

        private void Merge(BalancePush push)
        {
            _from = _last is null ? push.FromVersion : _from;
            (_last, _available, _openingHold, _knownAt) = (push, push.Available, push.OpeningHold, Stopwatch.GetTimestamp());
            foreach (var hold in push.Opened)
            {
                _opened[hold.JobId] = hold;
            }

            foreach (var job in push.Ended)
            {
                _opened.Remove(job);
                _ended.Add(job);
            }
        }

        private BalancePush? Take()
        {
            if (_last is null)
            {
                return null;
            }

            var push = _last with { FromVersion = _from, Opened = [.. _opened.Values], Ended = [.. _ended] };
            _opened.Clear();
            _ended.Clear();
            _last = null;
            return push;
        }

        // Until a second passes without news.
        private async Task TellAsync(string teamId)
        {
            BalancePush? push;
            do
            {
                await Task.Delay(s_pause);
                lock (_gate)
                {
                    push = Take();
                    _isOver |= push is null;
                }

                await (push is null ? Task.CompletedTask : _owner.SendAsync(push));
            }
            while (push is not null);
            _owner._teams.TryRemove(KeyValuePair.Create(teamId, this));
        }
    }

    private Task SendAsync(BalancePush push) => send(push);
}
