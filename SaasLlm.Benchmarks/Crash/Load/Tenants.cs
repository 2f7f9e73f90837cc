using System.Text.Json.Nodes;
using SaasLlm.Benchmarks.Crash.Rig;

namespace SaasLlm.Benchmarks.Crash.Load;

/// <summary>A team of the load.</summary>
internal sealed record LoadTeam(string TeamId, string Key);

/// <summary>The teams of one row: rich ones, ones at the edge of their balance, two charged by consumption, and one at the limit of its month.</summary>
/// <param name="Prefix">No other row's names begin with it.</param>
internal sealed record Tenants(string Prefix, IReadOnlyList<LoadTeam> Teams, IReadOnlyList<string> Groups)
{
    private const decimal Plenty = 1_000_000;

    // At the edge every second request is a refusal: there a lost or a doubled hold shows at once.
    private static readonly decimal[] s_balances = [Plenty, 200, 200, 4, 3, 60, 60, Plenty];

    private static readonly string[][] s_models = [["gpt-4-turbo"], ["mock/500", "gpt-3.5-turbo"], ["mock/slow-150ms"], ["mock/500", "mock/503"]];

    public static async Task<Tenants> CreateAsync(CrashRig rig, string prefix)
    {
        var organization = $"{prefix}-org";
        await PostAsync(rig, "/api/organizations/create", new() { ["organization_id"] = organization, ["name"] = "Crash" });
        List<string> groups = [];
        foreach (var models in s_models)
        {
            groups.Add($"{prefix}-group-{groups.Count}");
            await PostAsync(rig, "/api/model-groups/create", new()
            {
                ["group_name"] = groups[^1],
                ["display_name"] = "Crash",
                ["models"] = new JsonArray([.. models.Select((model, priority) => new JsonObject { ["model_name"] = model, ["priority"] = priority })]),
            });
        }

        List<LoadTeam> teams = [];
        foreach (var balance in s_balances)
        {
            var team = $"{prefix}-team-{teams.Count}";
            var made = await PostAsync(rig, "/api/teams/create", new()
            {
                ["organization_id"] = organization,
                ["team_id"] = team,
                ["team_alias"] = team,
                ["model_groups"] = new JsonArray([.. groups.Select(group => JsonValue.Create(group))]),
                ["credits_allocated"] = balance,
            });
            teams.Add(new(team, (string)made["virtual_key"]!));
        }

        // Charged by what they use: a call extends the hold, and at the end the account may not have all of it.
        await rig.ExecuteAsync($"UPDATE team_credits SET budget_mode = 'consumption_tokens', tokens_per_credit = 4 WHERE team_id = '{teams[^3].TeamId}'");
        await rig.ExecuteAsync(
            $"UPDATE team_credits SET budget_mode = 'consumption_usd', credits_per_dollar = 5000, credit_increment = 0.5 WHERE team_id = '{teams[^2].TeamId}'");
        // Redis lets this one through and Postgres refuses it: each time a reservation is given back.
        await rig.ExecuteAsync($"UPDATE team_credits SET credit_limit = 5 WHERE team_id = '{teams[^1].TeamId}'");
        // Due since a minute, and then not for a day.
        await rig.ExecuteAsync($"""
            INSERT INTO credit_refills (team_id, is_enabled, period, mode, credits, starts_at, next_refill_at)
            SELECT team, true, 'daily', mode, credits, tick, tick
              FROM (VALUES ('{teams[0].TeamId}', 'amount', 7), ('{teams[1].TeamId}', 'up_to', 300)) AS r(team, mode, credits), (SELECT ledger_now() - interval '1 minute' AS tick) t
            """);
        return new(prefix, teams, groups);
    }

    private static async Task<JsonNode> PostAsync(CrashRig rig, string path, JsonObject body)
    {
        var answer = await rig.Apis[0].PostAsync(path, CrashRig.AdminKey, body);
        return answer.IsOk ? answer.Body! : throw new InvalidOperationException($"{path} answered {answer}");
    }
}
