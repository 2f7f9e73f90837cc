using Npgsql;
using SaasLlm.Core.Changes;
using SaasLlm.Core.Common;

namespace SaasLlm.Core.Teams;

/// <summary>
/// A team's limits, and how long it keeps bodies, for whoever calls without one of its keys: memory ← Postgres. A change reaches every replica within a second.
/// </summary>
internal sealed class TeamLimits : IChangeListener
{
    private static readonly TimeSpan s_lifetime = TimeSpan.FromSeconds(10);

    private const string FindSql = "SELECT requests_per_minute, tokens_per_minute, parallel_calls, keep_bodies_days FROM teams WHERE team_id = $1";

    private readonly NpgsqlDataSource _database;
    private readonly ChangeFeed _changes;
    private readonly TimeProvider _time;
    private readonly BoundedCache<string, Entry> _known = new(capacity: 10_000);

    public TeamLimits(NpgsqlDataSource database, ChangeFeed changes, TimeProvider time)
    {
        (_database, _changes, _time) = (database, changes, time);
        changes.Register(this);
    }

    /// <summary>None for a team that is not there.</summary>
    /// <exception cref="NpgsqlException">Postgres did not answer.</exception>
    public async ValueTask<RateLimits> OfAsync(string teamId, CancellationToken cancellation) => (await FindAsync(teamId, cancellation))?.Limits ?? default;

    /// <summary>For how many days it keeps the bodies of its calls; null: not at all.</summary>
    /// <exception cref="NpgsqlException">Postgres did not answer.</exception>
    public async ValueTask<int?> KeepBodiesDaysAsync(string teamId, CancellationToken cancellation) => (await FindAsync(teamId, cancellation))?.KeepBodiesDays;

    private async ValueTask<Entry?> FindAsync(string teamId, CancellationToken cancellation)
    {
        if (_known.TryGet(teamId, out var known) && _changes.IsFresh(known.LoadedAt, s_lifetime))
        {
            return known;
        }

        var (askedAt, version) = (_time.GetTimestamp(), _known.Version);
        await using var command = _database.CreateCommand(FindSql);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = teamId });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        if (!await reader.ReadAsync(cancellation))
        {
            return null;
        }

        var entry = new Entry(Read(reader, 0), reader.IsDBNull(3) ? null : reader.GetInt32(3), askedAt);
        _known.Set(teamId, entry, version);
        return entry;
    }

    public void Changed(ChangeTopic topic, string key)
    {
        if (topic == ChangeTopic.Team)
        {
            _known.Remove(key);
        }
    }

    public void ForgetAll() => _known.Clear();

    /// <summary>The three columns from <paramref name="first"/> on.</summary>
    public static RateLimits Read(NpgsqlDataReader row, int first) => new(
        row.IsDBNull(first) ? null : row.GetInt32(first),
        row.IsDBNull(first + 1) ? null : row.GetInt64(first + 1),
        row.IsDBNull(first + 2) ? null : row.GetInt32(first + 2));

    private sealed record Entry(RateLimits Limits, int? KeepBodiesDays, long LoadedAt);
}
