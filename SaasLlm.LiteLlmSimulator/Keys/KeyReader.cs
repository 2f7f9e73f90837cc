using System.Globalization;
using System.Text.Json.Nodes;
using SaasLlm.LiteLlmSimulator.Http;

namespace SaasLlm.LiteLlmSimulator.Keys;

/// <summary>The routes that show keys.</summary>
internal sealed class KeyReader(KeyRing keys)
{
    public Answer Info(Call call)
    {
        var asked = call.Query("key");
        var key = asked is null ? call.Caller.Key : keys.Find(asked);
        if (key is null)
        {
            return Errors.Proxy(404, "not_found_error", "Key not found in database", "key");
        }

        // A caller without a user may read any key that has no user either: so recorded.
        if (call.Caller.Key is { UserId: not null } caller && caller != key && key.UserId != caller.UserId)
        {
            return Fields.Internal(403, "You are not allowed to access this key's info. Your role=internal_user");
        }

        var info = key.DeletedAt is null ? KeyShapes.Info(key) : KeyShapes.Deleted(key);
        info["status"] = key.DeletedAt is null ? "active" : "deleted";
        return Answer.Ok(new JsonObject { ["key"] = asked ?? key.Hash, ["info"] = info });
    }

    public Answer List(Call call)
    {
        if (call.Caller.Key is { UserId: null })
        {
            return Errors.Proxy(403, "bad_request_error", "You are not authorized to access this endpoint. No 'user_id' is associated with your API key.", "user_id");
        }

        var size = Number(call, "size", 10);
        if (size > 100)
        {
            return Errors.Invalid("less_than_equal", "Input should be less than or equal to 100", "query", "size");
        }

        var page = Number(call, "page", 1);
        var found = keys.Live().Where(key => Matches(key, call)).ToList();
        var shown = found.Skip((page - 1) * size).Take(size);
        var full = string.Equals(call.Query("return_full_object"), "true", StringComparison.OrdinalIgnoreCase);
        return Answer.Ok(new JsonObject
        {
            ["keys"] = new JsonArray([.. shown.Select(key => full ? KeyShapes.Listed(key) : (JsonNode)JsonValue.Create(key.Hash))]),
            ["total_count"] = found.Count,
            ["current_page"] = page,
            ["total_pages"] = (found.Count + size - 1) / size,
        });
    }

    public Answer Aliases(Call call)
    {
        var aliases = keys.Live().Select(key => key.Alias).OfType<string>().Order(StringComparer.Ordinal).ToList();
        return Answer.Ok(new JsonObject
        {
            ["aliases"] = new JsonArray([.. aliases.Select(alias => JsonValue.Create(alias))]),
            ["total_count"] = aliases.Count,
            ["current_page"] = 1,
            ["total_pages"] = 1,
            ["size"] = 50,
        });
    }

    private static bool Matches(VirtualKey key, Call call) =>
        Is(call.Query("key_alias"), key.Alias) && Is(call.Query("team_id"), key.TeamId) && Is(call.Query("key_hash"), key.Hash)
        && Is(call.Query("user_id"), key.UserId) && (call.Caller.Key is not { } caller || caller.UserId == key.UserId);

    private static bool Is(string? wanted, string? actual) => wanted is null || wanted == actual;

    private static int Number(Call call, string name, int otherwise) =>
        int.TryParse(call.Query(name), NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value > 0 ? value : otherwise;
}
