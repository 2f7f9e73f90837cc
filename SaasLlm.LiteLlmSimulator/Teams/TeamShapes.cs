using System.Text.Json.Nodes;
using SaasLlm.LiteLlmSimulator.Http;
using SaasLlm.LiteLlmSimulator.Keys;

namespace SaasLlm.LiteLlmSimulator.Teams;

/// <summary>A team as the routes show it (Shapes/team-*.json, taken from recordings).</summary>
internal static class TeamShapes
{
    public static JsonObject Row(Team team) => Fill("team-row", team);

    public static JsonObject Updated(Team team) => Fill("team-updated", team);

    public static JsonObject Info(Team team)
    {
        var body = Row(team);
        body["members_with_roles"]![0]!["user_alias"] = null;
        foreach (var (name, value) in Json.Shape("team-info-extra").ToList())
        {
            body[name] = value?.DeepClone();
        }

        return body;
    }

    public static JsonArray Memberships(Team team, bool withSource)
    {
        var row = new JsonObject
        {
            ["user_id"] = "default_user_id",
            ["team_id"] = team.Id,
            ["budget_id"] = null,
            ["spend"] = PythonFloat.Node(0m),
            ["total_spend"] = PythonFloat.Node(0m),
            ["litellm_budget_table"] = null,
        };
        if (withSource)
        {
            row["budget_source"] = "none";
        }

        return new JsonArray(row);
    }

    public static JsonArray KeysOf(Team team, KeyRing keys) =>
        new([.. keys.Live().Where(key => key.TeamId == team.Id).Select(KeyShapes.WithToken)]);

    private static JsonObject Fill(string shape, Team team)
    {
        var body = Json.Shape(shape);
        foreach (var (name, value) in team.Settings.Where(setting => body.ContainsKey(setting.Key)))
        {
            body[name] = value?.DeepClone();
        }

        body["team_id"] = team.Id;
        body["created_at"] = Fields.Stamp(team.CreatedAt);
        body["updated_at"] = Fields.Stamp(team.UpdatedAt);
        return body;
    }
}
