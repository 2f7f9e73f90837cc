using System.Text.Json.Nodes;

namespace SaasLlm.LiteLlmSimulator.Keys;

/// <summary>A virtual key as LiteLLM keeps it: by its hash, never by its value.</summary>
internal sealed class VirtualKey
{
    // Calls of one key run side by side, and neither a decimal nor a date is written at once.
    private readonly Lock _gate = new();

    public required string Hash { get; init; }

    /// <summary><c>sk-...</c> and the last four characters.</summary>
    public required string Name { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; set; }

    public DateTimeOffset? SettingsUpdatedAt { get; set; }

    public DateTimeOffset? ExpiresAt { get; set; }

    public DateTimeOffset? DeletedAt { get; set; }

    /// <summary>When the key was last used while the database was there: LiteLLM then has it in its cache.</summary>
    public DateTimeOffset? CachedAt
    {
        get
        {
            lock (_gate)
            {
                return field;
            }
        }

        set
        {
            lock (_gate)
            {
                field = value;
            }
        }
    }

    /// <summary>From then on a block counts; before it the cached key still works (the knob <c>block_delay_seconds</c>).</summary>
    public DateTimeOffset BlockCountsFrom { get; set; }

    /// <summary>US dollars.</summary>
    public decimal Spend
    {
        get
        {
            lock (_gate)
            {
                return field;
            }
        }

        set
        {
            lock (_gate)
            {
                field = value;
            }
        }
    }

    /// <summary>What the caller set, by LiteLLM's field names.</summary>
    public JsonObject Settings { get; } = [];

    public string? Alias => Text("key_alias");

    public string? TeamId => Text("team_id");

    public string? UserId => Text("user_id");

    public bool Blocked => Settings["blocked"]?.GetValue<bool>() ?? false;

    public decimal? MaxBudget => Settings["max_budget"]?.GetValue<decimal>();

    public IReadOnlyList<string> Models => List("models");

    public IReadOnlyList<string> AllowedRoutes => List("allowed_routes");

    public string? ModelBehind(string alias) => (Settings["aliases"] as JsonObject)?[alias]?.GetValue<string>();

    public void Charge(decimal cost)
    {
        lock (_gate)
        {
            Spend += cost;
        }
    }

    private string? Text(string name) => Settings[name]?.GetValue<string>();

    private IReadOnlyList<string> List(string name) =>
        Settings[name] is JsonArray list ? [.. list.Select(item => item!.GetValue<string>())] : [];
}
