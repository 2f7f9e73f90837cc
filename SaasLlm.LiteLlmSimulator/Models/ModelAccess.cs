using SaasLlm.LiteLlmSimulator.Http;
using SaasLlm.LiteLlmSimulator.Keys;
using SaasLlm.LiteLlmSimulator.Teams;

namespace SaasLlm.LiteLlmSimulator.Models;

/// <summary>Which models a key may call: an empty list is all; its team's list counts too.</summary>
internal sealed class ModelAccess(TeamBook teams)
{
    public bool Allows(Caller caller, string model) => Refuse(caller, model) is null;

    public Answer? Refuse(Caller caller, string model)
    {
        if (caller.Key is not { } key || key.ModelBehind(model) is not null)
        {
            return null;
        }

        var team = teams.Find(key.TeamId);
        if (team is not null && !Contains(team.Models, model))
        {
            return Denied("team_model_access_denied", model);
        }

        return Contains(key.Models, model) ? null : Denied("key_model_access_denied", model);
    }

    private static bool Contains(IReadOnlyList<string> list, string model) => list.Count == 0 || list.Any(entry =>
        entry == model || entry is "*" or "all-proxy-models" or "all-team-models"
        || (entry.EndsWith("/*", StringComparison.Ordinal) && model.StartsWith(entry[..^1], StringComparison.Ordinal)));

    private static Answer Denied(string type, string model) => Errors.Proxy(
        403,
        type,
        $"The requested model '{model}' is not available for this API key, or the model name is invalid. Check the models available to you and try again.",
        "model");
}
