using System.Text.Json;
using System.Text.Json.Nodes;
using SaasLlm.LiteLlmSimulator.Control;
using SaasLlm.LiteLlmSimulator.Http;
using SaasLlm.LiteLlmSimulator.Keys;

namespace SaasLlm.LiteLlmSimulator.Teams;

/// <summary>The routes that change teams.</summary>
internal sealed class TeamEditor(TeamBook teams, KeyRing keys, Mode mode, Ids ids, TimeProvider time)
{
    private static readonly string[] s_settings =
    [
        "team_alias", "metadata", "tpm_limit", "rpm_limit", "max_budget", "soft_budget", "budget_duration", "budget_limits",
        "models", "blocked", "router_settings",
    ];

    private readonly Lock _gate = new();

    public Answer New(Call call)
    {
        var body = call.Body;
        if (Fields.Refuse(body) is { } refusal)
        {
            return refusal;
        }

        if (body.Has("tags", out _))
        {
            return Fields.Internal(403, "{'error': 'This feature is only available for LiteLLM Enterprise users: tags. You must be a LiteLLM Enterprise user to use this feature.'}");
        }

        if (body.StringOf("organization_id") is { } organization)
        {
            return Fields.Internal(400, $"Organization not found for organization_id={organization}");
        }

        lock (_gate)
        {
            var id = body.StringOf("team_id") ?? ids.NextUuid();
            if (!teams.TryAdd(id, out var team))
            {
                return Fields.Internal(400, $"{{'error': 'Team id = {id} already exists. Please use a different team id.'}}");
            }

            Set(team, body);
            return Answer.Ok(TeamShapes.Row(team));
        }
    }

    public Answer Update(Call call)
    {
        if (call.Body.StringOf("team_id") is not { } id)
        {
            return Errors.Invalid("missing", "Field required", "body", "team_id");
        }

        if (Fields.Refuse(call.Body) is { } refusal)
        {
            return refusal;
        }

        lock (_gate)
        {
            if (teams.Find(id) is not { } team)
            {
                return Fields.Internal(404, $"{{'error': 'Team not found, passed team_id={id}'}}");
            }

            Set(team, call.Body);
            team.UpdatedAt = time.GetUtcNow();
            return Answer.Ok(new JsonObject { ["team_id"] = id, ["data"] = TeamShapes.Updated(team) });
        }
    }

    public Answer Delete(Call call)
    {
        var named = call.Body.Strings("team_ids");
        if (named.FirstOrDefault(id => teams.Find(id) is null) is { } unknown)
        {
            return NotFound(unknown);
        }

        foreach (var id in named)
        {
            teams.Remove(id);
            foreach (var key in keys.Live().Where(key => key.TeamId == id))
            {
                keys.Delete(key);
            }
        }

        return Answer.Ok(new JsonObject { ["deleted_teams"] = new JsonArray([.. named.Select(id => JsonValue.Create(id))]) });
    }

    public Answer Block(Call call, bool blocked)
    {
        var id = call.Body.StringOf("team_id") ?? "";
        if (teams.Find(id) is not { } team)
        {
            return NotFound(id);
        }

        team.Settings["blocked"] = blocked;
        team.BlockCountsFrom = time.GetUtcNow() + mode.BlockDelay;
        team.UpdatedAt = time.GetUtcNow();
        return Answer.Ok(TeamShapes.Updated(team));
    }

    private static Answer NotFound(string id) => Errors.DetailError(404, $"Team not found, passed team_id={id}");

    private void Set(Team team, JsonElement body)
    {
        Fields.Apply(body, team.Settings, s_settings);
        if (team.Settings["blocked"] is null)
        {
            team.Settings["blocked"] = false;
        }

        team.Settings["budget_reset_at"] = team.Settings["budget_duration"]?.GetValue<string>() is { } window
            ? Fields.Stamp(Fields.ResetAt(window, time.GetUtcNow()))
            : null;
    }
}
