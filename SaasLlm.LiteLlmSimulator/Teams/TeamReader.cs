using System.Text.Json.Nodes;
using SaasLlm.LiteLlmSimulator.Http;
using SaasLlm.LiteLlmSimulator.Keys;

namespace SaasLlm.LiteLlmSimulator.Teams;

/// <summary>The routes that show teams.</summary>
internal sealed class TeamReader(TeamBook teams, KeyRing keys)
{
    public Answer Info(Call call)
    {
        if (call.Query("team_id") is not { Length: > 0 } id)
        {
            return Errors.Auth("{'message': 'Malformed request. No team id passed in.'}", 422);
        }

        if (call.Caller.Key is { } key && key.TeamId != id)
        {
            return Errors.Auth($"{{'error': 'Team key for team={key.TeamId} not authorized to access this team={id}'}}", 403);
        }

        if (teams.Find(id) is not { } team)
        {
            return Errors.Auth($"{{'message': 'Team not found, passed team id: {id}.'}}", 404);
        }

        return Answer.Ok(new JsonObject
        {
            ["team_id"] = id,
            ["team_info"] = TeamShapes.Info(team),
            ["keys"] = TeamShapes.KeysOf(team, keys),
            ["team_memberships"] = TeamShapes.Memberships(team, withSource: true),
        });
    }

    public Answer List(Call call)
    {
        // Recorded: a key whose user has no row crashes this route, and the simulator has no users.
        if (!call.Caller.IsMaster)
        {
            return Errors.Crash();
        }

        return Answer.Ok(new JsonArray([.. teams.All().Select(Listed)]));
    }

    private JsonObject Listed(Team team)
    {
        var row = TeamShapes.Row(team);
        row["team_memberships"] = TeamShapes.Memberships(team, withSource: false);
        row["keys"] = TeamShapes.KeysOf(team, keys);
        return row;
    }
}
