using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace SaasLlm.Core.Llm.Gateway;

/// <summary>
/// The addresses of one gateway: each request goes to the one with the fewest under way. One that cannot be reached rests a while; nothing
/// was sent to it then, so the request goes on to the next at once. What an address answers, errors included, is never repeated here.
/// </summary>
internal sealed partial class GatewayReplicas(IOptions<GatewayOptions> options, TimeProvider time, ILogger<GatewayReplicas> logger)
{
    private readonly Lock _gate = new();
    private readonly Replica[] _replicas = [.. options.Value.Roots.Select(root => new Replica(root))];
    private int _next;

    /// <summary>How many addresses there are.</summary>
    public int Count => _replicas.Length;

    /// <summary>How many of them could not be reached and rest.</summary>
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
            return new(this, best);
        }
    }

    private static bool IsBetter(Replica one, Replica other, long now)
        => (one.RestsUntil <= now, other.RestsUntil <= now) switch
        {
            (true, true) => one.UnderWay < other.UnderWay,
            (false, false) => one.RestsUntil < other.RestsUntil,
            var (isOneUp, _) => isOneUp,
        };

    private void Rest(Replica replica)
    {
        lock (_gate)
        {
            replica.RestsUntil = time.GetTimestamp() + (long)(options.Value.ReplicaRest.TotalSeconds * time.TimestampFrequency);
        }

        Unreachable(logger, replica.Root);
    }

    private void Return(Replica replica)
    {
        lock (_gate)
        {
            replica.UnderWay--;
        }
    }

    [LoggerMessage(4501, LogLevel.Warning, "The gateway at {Address} cannot be reached; others are asked for a while")]
    private static partial void Unreachable(ILogger logger, Uri address);

    internal sealed class Replica(Uri root)
    {
        public Uri Root { get; } = root;

        public int UnderWay { get; set; }

        public long RestsUntil { get; set; }
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

        /// <summary>It could not be reached.</summary>
        public void Fail()
        {
            if (_replica is { } replica)
            {
                _owner.Rest(replica);
            }
        }

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _replica, null) is { } replica)
            {
                _owner.Return(replica);
            }
        }
    }
}
