using System.Text.Json.Nodes;

namespace SaasLlm.LiteLlmSimulator.Teams;

internal sealed class Team
{
    public required string Id { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; set; }

    /// <summary>From then on a block counts for keys used before it (the knob <c>block_delay_seconds</c>).</summary>
    public DateTimeOffset BlockCountsFrom { get; set; }

    public JsonObject Settings { get; } = [];

    public bool Blocked => Settings["blocked"]?.GetValue<bool>() ?? false;

    public IReadOnlyList<string> Models =>
        Settings["models"] is JsonArray list ? [.. list.Select(item => item!.GetValue<string>())] : [];
}
