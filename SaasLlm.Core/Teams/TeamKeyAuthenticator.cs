using System.Buffers.Binary;
using System.Collections.Concurrent;
using Npgsql;
using SaasLlm.Core.Changes;
using SaasLlm.Core.Common;

namespace SaasLlm.Core.Teams;

/// <summary>
/// Memory ← Postgres. A change of the team or its keys is heard through the <see cref="ChangeFeed"/>; the short lifetime is the net.
/// The lifetime of a key is measured by Postgres' clock when it is read and by a monotonic one afterwards.
/// </summary>
internal sealed class TeamKeyAuthenticator : ITeamKeyAuthenticator, IChangeListener
{
    private static readonly TimeSpan s_lifetime = TimeSpan.FromSeconds(10);

    // A key is made before it is given to anybody, so an unknown one hardly becomes known; still it is forgotten quickly.
    private static readonly TimeSpan s_unknownLifetime = TimeSpan.FromSeconds(1);

    private const string FindSql = """
        SELECT k.team_id, t.organization_id, k.key_id, t.status = 'suspended', extract(epoch FROM k.expires_at - now())::float8,
               t.requests_per_minute, t.tokens_per_minute, t.parallel_calls, k.requests_per_minute, k.tokens_per_minute, k.parallel_calls,
               t.keep_bodies_days
          FROM team_keys k JOIN teams t USING (team_id)
         WHERE k.key_hash = $1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
        """;

    private readonly NpgsqlDataSource _database;
    private readonly ChangeFeed _changes;
    private readonly TimeProvider _time;
    private readonly BoundedCache<KeyHash, Entry> _known = new(capacity: 10_000);
    private readonly BoundedCache<KeyHash, long> _unknown = new(capacity: 10_000);
    private readonly ConcurrentDictionary<(KeyHash Hash, long Version), Task<Entry?>> _loads = new();

    public TeamKeyAuthenticator(NpgsqlDataSource database, ChangeFeed changes, TimeProvider time)
    {
        (_database, _changes, _time) = (database, changes, time);
        changes.Register(this);
    }

    public ValueTask<TeamCaller?> FindAsync(string key, CancellationToken cancellation)
    {
        if (!VirtualKey.HasShape(key))
        {
            return default;
        }

        var bytes = VirtualKey.Hash(key);
        var hash = KeyHash.Of(bytes);
        if (_known.TryGet(hash, out var entry) && _changes.IsFresh(entry.LoadedAt, s_lifetime))
        {
            return new(entry.IsExpired(_time) ? null : entry.Caller);
        }

        return _unknown.TryGet(hash, out var askedAt) && _time.GetElapsedTime(askedAt) < s_unknownLifetime
            ? default
            : new(LoadOnceAsync(hash, bytes, cancellation));
    }

    public void Changed(ChangeTopic topic, string key)
    {
        if (topic == ChangeTopic.Team)
        {
            _known.RemoveWhere(entry => entry.Caller.TeamId == key);
        }
    }

    public void ForgetAll() => _known.Clear();

    // Requests that arrive together share one query; those after a change do not join one that began before it.
    private async Task<TeamCaller?> LoadOnceAsync(KeyHash hash, byte[] bytes, CancellationToken cancellation)
    {
        var id = (hash, _known.Version);
        var load = _loads.GetOrAdd(id, static (id, state) => state.Self.LoadAsync(id.Hash, state.Bytes, id.Version), (Self: this, Bytes: bytes));
        // Also when every caller has left: a load that is done must not answer a later one.
        _ = load.ContinueWith(
            done => _loads.TryRemove(new(id, (Task<Entry?>)done)),
            CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        return (await load.WaitAsync(cancellation))?.Caller;
    }

    private async Task<Entry?> LoadAsync(KeyHash hash, byte[] bytes, long version)
    {
        // Nobody's cancellation: others may wait for the same answer. The command's own time-out bounds it.
        var askedAt = _time.GetTimestamp();
        await using var command = _database.CreateCommand(FindSql);
        command.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = bytes });
        await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
        if (!await reader.ReadAsync(CancellationToken.None))
        {
            _unknown.Set(hash, askedAt, _unknown.Version);
            return null;
        }

        var caller = new TeamCaller(reader.GetString(0), reader.GetString(1), reader.GetGuid(2), reader.GetBoolean(3))
        {
            TeamLimits = TeamLimits.Read(reader, 5),
            KeyLimits = TeamLimits.Read(reader, 8),
            KeepBodiesDays = reader.IsDBNull(11) ? null : reader.GetInt32(11),
        };
        var life = await reader.IsDBNullAsync(4, CancellationToken.None)
            ? TimeSpan.MaxValue
            : TimeSpan.FromSeconds(Math.Min(reader.GetDouble(4), TimeSpan.FromDays(1).TotalSeconds));
        var entry = new Entry(caller, askedAt, life);
        _known.Set(hash, entry, version);
        return entry;
    }

    /// <param name="Life">What was left of the key's life when it was asked for.</param>
    private sealed record Entry(TeamCaller Caller, long LoadedAt, TimeSpan Life)
    {
        public bool IsExpired(TimeProvider time) => time.GetElapsedTime(LoadedAt) >= Life;
    }

    /// <summary>SHA-256 as a value that hashes and compares without allocation.</summary>
    private readonly record struct KeyHash(UInt128 High, UInt128 Low)
    {
        public static KeyHash Of(ReadOnlySpan<byte> bytes)
            => new(BinaryPrimitives.ReadUInt128BigEndian(bytes), BinaryPrimitives.ReadUInt128BigEndian(bytes[16..]));
    }
}
