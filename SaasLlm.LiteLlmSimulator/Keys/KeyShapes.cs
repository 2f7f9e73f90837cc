using System.Text.Json.Nodes;
using SaasLlm.LiteLlmSimulator.Http;

namespace SaasLlm.LiteLlmSimulator.Keys;

/// <summary>A key as the routes show it: each has its own set of fields (Shapes/key-*.json, taken from recordings).</summary>
internal static class KeyShapes
{
    public static JsonObject Generated(VirtualKey key, string value)
    {
        var body = Fill("key-generated", key);
        body["key"] = value;
        body["token"] = key.Hash;
        body["token_id"] = key.Hash;
        if (key.Settings["soft_budget"] is { } softBudget)
        {
            AddBudget(body, key, softBudget);
        }

        return body;
    }

    public static JsonObject Info(VirtualKey key) => Fill("key-info", key);

    public static JsonObject Row(VirtualKey key)
    {
        var body = Fill("key-row", key);
        body["token"] = key.Hash;
        return body;
    }

    public static JsonObject WithToken(VirtualKey key)
    {
        var body = new JsonObject { ["token"] = key.Hash };
        foreach (var (name, value) in Info(key).ToList())
        {
            body[name] = value?.DeepClone();
        }

        return body;
    }

    public static JsonObject Listed(VirtualKey key)
    {
        var body = Fill("key-listed", key);
        body["token"] = key.Hash;
        return body;
    }

    public static JsonObject Deleted(VirtualKey key)
    {
        var body = Fill("key-deleted", key);
        body["id"] = Ids.Uuid(key.Hash);
        body["deleted_at"] = Fields.Stamp(key.DeletedAt!.Value);
        return body;
    }

    // A soft budget is kept in a budget row of its own, which LiteLLM makes along with the key.
    private static void AddBudget(JsonObject body, VirtualKey key, JsonNode softBudget)
    {
        var budget = Json.Shape("budget-row");
        budget["budget_id"] = Ids.Uuid("budget" + key.Hash);
        budget["soft_budget"] = softBudget.DeepClone();
        budget["created_at"] = Fields.Stamp(key.CreatedAt);
        budget["updated_at"] = Fields.Stamp(key.CreatedAt);
        body["budget_id"] = budget["budget_id"]!.GetValue<string>();
        body["litellm_budget_table"] = budget;
    }

    private static JsonObject Fill(string shape, VirtualKey key)
    {
        var body = Json.Shape(shape);
        foreach (var (name, value) in key.Settings.Where(setting => body.ContainsKey(setting.Key)))
        {
            body[name] = value?.DeepClone();
        }

        body["key_name"] = key.Name;
        body["spend"] = PythonFloat.Node(key.Spend);
        body["expires"] = key.ExpiresAt is { } expires ? Fields.Stamp(expires) : null;
        body["created_at"] = Fields.Stamp(key.CreatedAt);
        body["updated_at"] = Fields.Stamp(key.UpdatedAt);
        if (body.ContainsKey("settings_updated_at"))
        {
            body["settings_updated_at"] = key.SettingsUpdatedAt is { } changed ? Fields.Stamp(changed) : null;
        }

        return body;
    }
}
