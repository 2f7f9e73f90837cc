using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace SaasLlm.Core.Llm.Gateway;

/// <summary>
/// The addresses of one gateway: each request goes to the one with the fewest under way. One that cannot be reached rests a while; nothing
/// was sent to it then, so the request goes on to the next at once. What an address answers, errors included, is never repeated here; one
/// that says that it is out of order rests too, or its quick refusals would draw all requests. After its rest an address gets one request
/// at a time until it has answered one.
/// </summary>
internal sealed partial class GatewayReplicas(IOptions<GatewayOptions> options, TimeProvider time, ILogger<GatewayReplicas> logger)
{
    private readonly Lock _gate = new();
    private readonly Replica[] _replicas = [.. options.Value.Roots.Select(root => new Replica(root))];
    private int _next;

    /// <summary>How many addresses there are.</summary>
    public int Count => _replicas.Length;

    /// <summary>How many of them could not be reached, or were out of order, and rest.</summary>
    public int Resting
    {
        get
        {
            lock (_gate)
            {
                var now = time.GetTimestamp();
                return _replicas.Count(replica => replica.RestsUntil > now);
            }
        }
    }

    /// <summary>Takes the address for a request: the least busy one that does not rest, or of those that all rest the one that is due first.</summary>
    public Turn Take()
    {
        lock (_gate)
        {
            var now = time.GetTimestamp();
            var best = _replicas[_next % _replicas.Length];
            for (var step = 1; step < _replicas.Length; step++)
            {
                var other = _replicas[(_next + step) % _replicas.Length];
                best = IsBetter(other, best, now) ? other : best;
            }

            _next = (_next + 1) % _replicas.Length;
            best.UnderWay++;
            var turn = new Turn(this, best);
            if (best.IsOnTrial)
            {
                best.Trial ??= turn;
            }

            return turn;
        }
    }

    private static bool IsBetter(Replica one, Replica other, long now)
        => (one.IsUp(now), other.IsUp(now)) switch
        {
            (true, true) => one.UnderWay < other.UnderWay,
            (false, false) => IsBetterOfDown(one, other, now),
            var (isOneUp, _) => isOneUp,
        };

    // Those that have rested and are being tried share what comes.
    private static bool IsBetterOfDown(Replica one, Replica other, long now)
        => (one.RestsUntil <= now, other.RestsUntil <= now) switch
        {
            (true, true) => one.UnderWay < other.UnderWay,
            (false, false) => one.RestsUntil < other.RestsUntil,
            var (hasOneRested, _) => hasOneRested,
        };

    private void Rest(Replica replica)
    {
        bool isNews;
        lock (_gate)
        {
            var now = time.GetTimestamp();
            isNews = replica.RestsUntil <= now;
            replica.RestsUntil = now + (long)(options.Value.ReplicaRest.TotalSeconds * time.TimestampFrequency);
            replica.IsOnTrial = true;
        }

        if (isNews)
        {
            OutOfOrder(logger, replica.Root);
        }
    }

    private void Trust(Replica replica)
    {
        lock (_gate)
        {
            // One that was asked before it broke says nothing of now.
            replica.IsOnTrial &= replica.RestsUntil > time.GetTimestamp();
        }
    }

    private void Return(Replica replica, Turn turn)
    {
        lock (_gate)
        {
            replica.UnderWay--;
            replica.Trial = replica.Trial == turn ? null : replica.Trial;
        }
    }

    [LoggerMessage(4501, LogLevel.Warning, "The gateway at {Address} cannot be reached or is out of order; others are asked for a while")]
    private static partial void OutOfOrder(ILogger logger, Uri address);

    internal sealed class Replica(Uri root)
    {
        public Uri Root { get; } = root;

        public int UnderWay { get; set; }

        public long RestsUntil { get; set; }

        /// <summary>It has answered nothing since it rested.</summary>
        public bool IsOnTrial { get; set; }

        /// <summary>The one request that tries it; those from before its rest may hang for long.</summary>
        public Turn? Trial { get; set; }

        public bool IsUp(long now) => RestsUntil <= now && (!IsOnTrial || Trial is null);
    }

    /// <summary>One request at one address, until it is disposed of.</summary>
    internal sealed class Turn : IDisposable
    {
        private readonly GatewayReplicas _owner;
        private Replica? _replica;

        public Turn(GatewayReplicas owner, Replica replica)
        {
            (_owner, _replica) = (owner, replica);
            Root = replica.Root;
        }

        public Uri Root { get; }

        /// <summary>It could not be reached, or says that it is out of order.</summary>
        public void Fail()
        {
            if (_replica is { } replica)
            {
                _owner.Rest(replica);
            }
        }

        /// <summary>It answered.</summary>
        public void Pass()
        {
            if (_replica is { IsOnTrial: true } replica)
            {
                _owner.Trust(replica);
            }
        }

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _replica, null) is { } replica)
            {
                _owner.Return(replica, this);
            }
        }
    }
}
