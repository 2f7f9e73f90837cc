using System.Collections.Frozen;
using System.Text.Json;
using Npgsql;
using SaasLlm.Core.Changes;
using SaasLlm.Core.Common;

namespace SaasLlm.Core.ModelGroups;

/// <summary>Resolves from two caches: which groups a team was granted, and what each group is.</summary>
internal sealed class ModelGroupResolver : IModelGroupResolver, IChangeListener
{
    private const string GrantsSql = "SELECT coalesce(json_agg(group_name), '[]')::text FROM team_model_groups WHERE team_id = $1";

    // An inactive group, or one without an active model, is not there for a tenant.
    private const string GroupSql = """
        SELECT json_build_object(
                 'group_name', g.group_name, 'kind', g.kind, 'settings', g.settings, 'created_at', g.created_at,
                 'models', json_agg(m.model_name ORDER BY m.priority), 'gateways', json_agg(m.gateway ORDER BY m.priority))::text
          FROM model_groups g JOIN model_group_models m USING (group_name)
         WHERE g.group_name = $1 AND g.status = 'active' AND m.is_active
         GROUP BY g.group_name
        """;

    private static readonly Failure s_notFound = new(
        FailureKind.NotFound, "model_group.not_found", "There is no such model group for this team.");

    private readonly NpgsqlDataSource _database;
    private readonly LeasedRedisCache _shared;
    private readonly GroupCache<FrozenSet<string>> _grants;
    private readonly GroupCache<ResolvedModelGroup?> _groups;

    public ModelGroupResolver(NpgsqlDataSource database, LeasedRedisCache shared, ChangeFeed changes, TimeProvider time)
    {
        (_database, _shared) = (database, shared);
        _grants = new(team => $"{{team:{team}}}:groups", (team, ct) => ReadAsync(GrantsSql, team, ct), ParseGrants, shared, changes, time);
        _groups = new(group => $"{{group:{group}}}", (group, ct) => ReadAsync(GroupSql, group, ct), ParseGroup, shared, changes, time);
        changes.Register(this);
    }

    public async ValueTask<Result<ResolvedModelGroup>> ResolveAsync(string teamId, string groupName, CancellationToken cancellation)
    {
        // Names that cannot be, and those not granted, are never looked up: a tenant cannot fill the caches with them.
        if (!Names.IsGroupName(groupName) || !(await _grants.GetAsync(teamId, cancellation)).Contains(groupName))
        {
            return s_notFound;
        }

        return await _groups.GetAsync(groupName, cancellation) is { } group ? group : s_notFound;
    }

    public async ValueTask<IReadOnlyList<ResolvedModelGroup>> ListAsync(string teamId, CancellationToken cancellation)
    {
        var found = new List<ResolvedModelGroup>();
        foreach (var name in (await _grants.GetAsync(teamId, cancellation)).Order(StringComparer.Ordinal))
        {
            if (await _groups.GetAsync(name, cancellation) is { } group)
            {
                found.Add(group);
            }
        }

        return found;
    }

    public void Changed(ChangeTopic topic, string key)
    {
        if (topic == ChangeTopic.Team)
        {
            _grants.Forget(key);
        }
        else if (topic == ChangeTopic.ModelGroup)
        {
            _groups.Forget(key);
        }
    }

    public void ForgetAll()
    {
        _grants.ForgetAll();
        _groups.ForgetAll();
    }

    public ValueTask<bool> MendAsync() => _shared.PayAsync();

    /// <summary>Forgets a team's grants in Redis. The notice is the caller's to send.</summary>
    internal ValueTask<bool> ForgetGrantsAsync(string teamId) => _grants.ForgetSharedAsync(teamId);

    /// <summary>Forgets a group in Redis. The notice is the caller's to send.</summary>
    internal ValueTask<bool> ForgetGroupAsync(string groupName) => _groups.ForgetSharedAsync(groupName);

    private static FrozenSet<string> ParseGrants(string text)
        => (JsonSerializer.Deserialize<string[]>(text) ?? []).ToFrozenSet(StringComparer.Ordinal);

    private static ResolvedModelGroup? ParseGroup(string text)
    {
        if (text.Length == 0)
        {
            return null;
        }

        using var document = JsonDocument.Parse(text);
        var group = document.RootElement;
        // An older replica may have put it into Redis without.
        var gateways = group.TryGetProperty("gateways", out var named) ? named.EnumerateArray().Select(gateway => gateway.GetString()).ToArray() : null;
        return new(
            group.GetProperty("group_name").GetString()!,
            group.GetProperty("kind").GetString()!,
            [.. group.GetProperty("models").EnumerateArray().Select((model, place) => new ResolvedModel(model.GetString()!, gateways?[place]))],
            GroupSettings.Read(group.GetProperty("settings").GetRawText()),
            group.TryGetProperty("created_at", out var createdAt) ? createdAt.GetDateTimeOffset() : default);
    }

    private async Task<string> ReadAsync(string sql, string name, CancellationToken cancellation)
    {
        await using var command = _database.CreateCommand(sql);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = name });
        return await command.ExecuteScalarAsync(cancellation) as string ?? "";
    }
}
