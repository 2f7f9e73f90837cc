using System.Text.Json.Nodes;

namespace SaasLlm.Tests.LiteLlmSimulator;

/// <summary>Which recordings the simulator is compared with, and why not the others.</summary>
internal static class Excluded
{
    private static readonly string[] s_areas =
    [
        "inference/auth", "inference/chat", "inference/completions", "inference/cost", "inference/embeddings", "inference/health",
        "inference/models", "inference/nodb", "inference/responses", "inference/stream", "management/access", "management/keys", "management/teams",
    ];

    private static readonly Dictionary<string, string[]> s_byReason = new()
    {
        ["the provider's unusual answer decides; it can be played"] =
        [
            "inference/chat/anthropic-provider", "inference/chat/empty-choices", "inference/chat/finish-unknown", "inference/chat/logprobs",
            "inference/chat/no-usage", "inference/chat/null-usage", "inference/chat/refusal", "inference/chat/tools", "inference/chat/usage-details",
            "inference/completions/chat-model-text-answer", "inference/completions/plain-text-model", "inference/cost/cached-tokens",
            "inference/cost/cached-tokens-custom", "inference/cost/no-usage", "inference/cost/unpriced-usage-cost", "inference/embeddings/empty-input",
            "inference/embeddings/no-usage", "inference/responses/bridge-plain", "inference/responses/native-stream-incomplete",
            "inference/responses/native-stream-no-completed", "inference/responses/status-failed", "inference/stream/anthropic-provider-cut",
            "inference/stream/anthropic-provider-error-event", "inference/stream/empty-deltas", "inference/stream/error-first-data-error",
            "inference/stream/finish-with-truncated-tool-call", "inference/stream/large-chunk", "inference/stream/logprobs",
            "inference/stream/malformed-chunk", "inference/stream/mock", "inference/stream/mock-allowed-mock-response", "inference/stream/not-a-stream",
            "inference/stream/nothing", "inference/stream/only-done", "inference/stream/refusal", "inference/stream/single-chunk",
            "inference/stream/slow-between-chunks", "inference/stream/tool-calls", "inference/stream/usage-details",
        ],
        ["the price is that of the model name in the provider's answer"] =
            ["inference/chat/wildcard", "inference/chat/wildcard-unknown-to-price-map", "inference/cost/unpriced-stream"],
        ["the client broke it off"] = ["inference/stream/client-disconnect"],
        ["the simulator has no mock_response, mock_timeout or mock_testing_*; mock/ models take their place"] =
        [
            "inference/chat/mock-allowed-timeout", "inference/chat/mock-context", "inference/chat/mock-internal", "inference/chat/mock-model",
            "inference/chat/mock-model-unpriced", "inference/chat/mock-rate-limit", "inference/chat/mock-testing-rate-limit", "inference/chat/mock-timeout",
            "inference/responses/mock-model", "inference/responses/mock-model-stream", "inference/stream/always-include-usage-mock",
            "inference/stream/mock-context", "inference/stream/mock-internal", "inference/stream/mock-model", "inference/stream/mock-model-usage",
            "inference/stream/mock-n-2", "inference/stream/mock-rate-limit",
        ],
        ["NaN is JSON to Python only"] = ["inference/chat/nan"],
        ["a setting the simulator does not have, or the recording does not show"] =
        [
            "inference/auth/key-header-name-authorization", "inference/auth/key-header-name-bearer", "inference/auth/key-header-name-plain",
            "inference/chat/by-model-id", "inference/chat/model-alias",
        ],
        ["a route the simulator does not have"] =
        [
            "inference/health/root", "inference/models/model-group-info", "inference/models/model-group-info-one", "inference/nodb/health-services",
            "inference/nodb/routes", "inference/nodb/spend-calculate", "inference/nodb/spend-calculate-response", "inference/nodb/utils-token-counter",
            "inference/responses/get", "management/teams/list-v2", "management/teams/member-add", "management/teams/member-add-again",
            "management/teams/member-add-unknown-team", "management/teams/member-delete", "management/teams/info-with-member",
        ],
        ["the simulator has no users"] =
        [
            "management/access/team-list-by-user-key", "management/access/user-model-denied", "management/keys/list-by-virtual-key-with-user",
        ],
        ["the recording does not name all the requests before it"] =
        [
            "management/keys/generate-alias-after-delete", "management/keys/generate-duplicate-alias", "management/keys/info-other-by-virtual", "management/keys/update-alias-taken",
            "management/keys/update-by-hash", "management/keys/update-duration", "management/keys/update-empty-models",
            "management/keys/update-null-metadata", "management/keys/update-spend", "management/keys/update-temp-budget",
            "management/keys/update-then-call-old-model", "management/teams/info", "management/teams/new-id-race", "management/teams/update-null-clears",
        ],
        ["a race between LiteLLM's cache and its database"] = ["management/teams/unblock-then-call"],
        ["the recorded body is shortened"] = ["inference/models/wildcard-list", "management/access/virtual-key-on-model-info"],
    };

    public static IReadOnlyDictionary<string, string> ByName { get; } =
        s_byReason.SelectMany(entry => entry.Value.Select(name => (name, entry.Key))).ToDictionary();

    public static IEnumerable<string> Compared() => RecordedCase.Names("1.106.2")
        .Where(name => s_areas.Contains(name[..name.LastIndexOf('/')]) && !ByName.ContainsKey(name) && !ProviderFails(RecordedCase.Load("1.106.2", name)));

    /// <summary>How long after the requests before it the case was recorded, where that matters.</summary>
    public static TimeSpan WaitBefore(string name) => name switch
    {
        "management/keys/expired-then-call" or "management/keys/expired-cached-then-call" => TimeSpan.FromSeconds(3),
        "management/teams/block-then-call-later" => TimeSpan.FromSeconds(61),
        _ => TimeSpan.Zero,
    };

    /// <summary>1.106.2 serves a team's used keys for a minute after the team was blocked; the simulator only when told to.</summary>
    public static int BlockDelay(string name) => name.StartsWith("management/teams/block-then-call", StringComparison.Ordinal) ? 60 : 0;

    /// <summary>What the recordings of an area take for granted.</summary>
    public static async Task PrepareAsync(string name, SimulatorHost host, Placeholders bound)
    {
        var team = name.StartsWith("management/keys/", StringComparison.Ordinal) ? "team-k"
            : name.StartsWith("management/teams/info-by-", StringComparison.Ordinal) ? "team-full" : null;
        if (team is not null && RecordedCase.Load("1.106.2", name).Before.All(step => step["request"]?["path"]?.GetValue<string>() != "/team/new"))
        {
            (await host.PostAsync("/team/new", team is "team-k" ? """{"team_id":"team-k"}"""
                : """{"team_id":"team-full","team_alias":"full","metadata":{"tenant":"t"},"tpm_limit":10000,"soft_budget":5,"models":["gpt-4o-mini"]}""")).Dispose();
        }

        if (name == "management/keys/list-by-virtual-key")
        {
            using var made = await host.PostAsync("/key/generate", "{}");
            bound.Set("$KEY", JsonNode.Parse(await made.Content.ReadAsStringAsync())!["key"]!.GetValue<string>());
        }
    }

    /// <summary>Cases about a provider that fails or is slow: the simulator needs none and plays these.</summary>
    private static bool ProviderFails(RecordedCase recorded) => recorded.Upstream switch
    {
        null => false,
        JsonObject one => (one["status"]?.GetValue<int>() ?? 200) != 200 || (one["then"]?.GetValue<string>() ?? "end") != "end"
            || one.ContainsKey("hang_ms") || one.ContainsKey("delay_ms"),
        _ => true,
    };
}
