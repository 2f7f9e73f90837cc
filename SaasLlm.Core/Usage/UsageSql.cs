using Npgsql;
using SaasLlm.Core.Credits.Writing;

namespace SaasLlm.Core.Usage;

/// <summary>
/// The statement of a report: the roll-ups of the hours that are closed, the tables for those that are not, and the jobs that are open.
/// </summary>
internal sealed class UsageSql
{
    private const string Columns = "team_id, bucket, model_group, model, job_type, user_id";

    private readonly List<NpgsqlParameter> _values = [];
    private readonly UsageQuery _query;

    private UsageSql(UsageQuery query) => _query = query;

    /// <param name="rolledUntil">Hours before it are rolled up; null: none is.</param>
    /// <param name="after">The keys of the last row before; null for the first page.</param>
    /// <param name="limit">Null: all rows.</param>
    public static NpgsqlCommand Command(
        NpgsqlConnection connection, UsageQuery query, DateTimeOffset? rolledUntil, IReadOnlyList<string>? after, int? limit)
    {
        var sql = new UsageSql(query);
        var command = new NpgsqlCommand(sql.Text(rolledUntil, after, limit), connection);
        command.Parameters.AddRange(sql._values.ToArray());
        return command;
    }

    private string Text(DateTimeOffset? rolledUntil, IReadOnlyList<string>? after, int? limit)
    {
        var keys = _query.GroupBy.Select((dimension, index) => $"{UsageDimension.Sql(dimension)} COLLATE \"C\" AS k{index}").ToList();
        var names = Enumerable.Range(0, keys.Count).Select(index => $"k{index}").ToList();
        var rows = $"""
            SELECT {string.Concat(keys.Select(key => $"{key}, "))}{UsageFacts.Sums},
                   coalesce(sum(jobs_pending), 0)::bigint AS jobs_pending, coalesce(sum(jobs_in_progress), 0)::bigint AS jobs_in_progress
              FROM ({string.Join("\nUNION ALL\n", Sources(rolledUntil))}) used
            {Where(Filters())}
            {(names.Count == 0 ? "" : $"GROUP BY {string.Join(", ", names)}")}
            """;
        var goesOn = after is null ? "" : $"WHERE ({string.Join(", ", names)}) > ({string.Join(", ", after.Select(key => $"{Add(key)} COLLATE \"C\""))})";
        var order = names.Count == 0 ? "" : $"ORDER BY {string.Join(", ", names)}";
        return $"SELECT * FROM ({rows}) report {goesOn} {order} {(limit is { } most ? $"LIMIT {Add(most)}" : "")}";
    }

    private IEnumerable<string> Sources(DateTimeOffset? rolledUntil)
    {
        var closed = rolledUntil is { } until && until < _query.Until ? until : rolledUntil is null ? _query.From : _query.Until;
        var tail = closed > _query.From ? closed : _query.From;
        foreach (var (grain, from, to) in UsageGrain.Cover(_query.From, tail, _query.Coarsest))
        {
            yield return $"""
                SELECT {Columns}, {UsageFacts.Measures}, 0::bigint AS jobs_pending, 0::bigint AS jobs_in_progress FROM usage_rollups
                 WHERE grain = {Add(grain)} AND per_user = {Add(_query.IsPerUser)} AND bucket >= {Add(from)} AND bucket < {Add(to)}{OfTeams("team_id")}
                """;
        }

        if (tail < _query.Until)
        {
            var (first, last) = (Add(tail), Add(_query.Until));
            // Ids begin with the time their machine had when the call began: a day before is more than clocks differ, and calls last.
            var facts = UsageFacts.Of(
                $"c.ended_at >= {first} AND c.ended_at < {last} AND c.call_id >= uuid7_floor({first} - interval '1 day'){OfTeams("c.team_id")}",
                $"j.completed_at >= {first} AND j.completed_at < {last}{OfTeams("j.team_id")}",
                $"x.created_at >= {first} AND x.created_at < {last}{OfTeams("x.team_id")}");
            yield return $"SELECT {Columns}, {UsageFacts.Measures}, 0::bigint AS jobs_pending, 0::bigint AS jobs_in_progress FROM ({facts}) facts";
        }

        // Asked for as held: an index has those alone.
        yield return $"""
            SELECT team_id, date_trunc('hour', created_at, 'UTC') AS bucket, '' AS model_group, '' AS model, job_type, coalesce(user_id, '') AS user_id,
                   {string.Join(", ", UsageFacts.Measures.Split(", ").Select(name => $"0 AS {name}"))},
                   (status = 'pending')::int::bigint AS jobs_pending, (status = 'in_progress')::int::bigint AS jobs_in_progress
              FROM jobs
             WHERE hold_state = 'held' AND created_at >= {Add(_query.From)} AND created_at < {Add(_query.Until)}{OfTeams("team_id")}
            """;
    }

    private IEnumerable<string> Filters()
    {
        if (_query.IsOfCalls)
        {
            yield return "model_group <> ''";
        }

        foreach (var (column, value) in new[] { ("model_group", _query.ModelGroup), ("job_type", _query.JobType), ("user_id", _query.UserId) })
        {
            if (value is not null)
            {
                yield return $"{column} = {Add(value)}";
            }
        }
    }

    private string OfTeams(string column) => _query.Teams is { } teams ? $" AND {column} = ANY ({Add(teams.ToArray())})" : "";

    private static string Where(IEnumerable<string> conditions)
    {
        var all = string.Join(" AND ", conditions);
        return all.Length == 0 ? "" : $"WHERE {all}";
    }

    private string Add<T>(T value)
    {
        _values.Add(Sql.Value(value));
        return $"${_values.Count}";
    }
}
