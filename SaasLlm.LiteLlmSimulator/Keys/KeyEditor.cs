using System.Text.Json;
using System.Text.Json.Nodes;
using SaasLlm.LiteLlmSimulator.Control;
using SaasLlm.LiteLlmSimulator.Http;

namespace SaasLlm.LiteLlmSimulator.Keys;

/// <summary>The routes that change keys.</summary>
internal sealed class KeyEditor(KeyRing keys, Mode mode, TimeProvider time)
{
    private const string LicenceText =
        "Regenerating Virtual Keys is an Enterprise feature, You must be a LiteLLM Enterprise user to use this feature.";

    private static readonly string[] s_settings =
    [
        "key_alias", "models", "max_budget", "user_id", "team_id", "agent_id", "max_parallel_requests", "metadata",
        "tpm_limit", "rpm_limit", "budget_duration", "budget_limits", "allowed_cache_controls", "config", "permissions",
        "model_rpm_limit", "model_tpm_limit", "guardrails", "blocked", "aliases", "allowed_routes", "soft_budget",
        "organization_id", "auto_rotate", "rotation_interval",
    ];

    private readonly Lock _gate = new();

    public static Answer Licence() => Fields.Internal(500, LicenceText);

    public Answer Generate(Call call)
    {
        var body = call.Body;
        if ((Fields.Refuse(body) ?? RefuseValue(body.StringOf("key")) ?? RefuseLicensed(body)) is { } refusal)
        {
            return refusal;
        }

        var duration = body.StringOf("duration");
        if (duration is not null && Fields.Duration(duration) is null)
        {
            return Fields.Internal(500, "Invalid duration format");
        }

        lock (_gate)
        {
            if (RefuseAlias(body, null) is { } taken)
            {
                return taken;
            }

            var value = body.StringOf("key") ?? KeyRing.NewValue();
            var isNew = keys.FindLive(value) is null;

            // A value that exists keeps its old row, and the answer shows the settings that were not stored.
            var key = isNew ? keys.Add(value) : Unstored(value);
            Fields.Apply(body, key.Settings, s_settings);
            SetKeyType(body, key);
            SetTimes(body, key, time.GetUtcNow());
            if (call.Http.Request.Path == "/key/service-account/generate")
            {
                key.Settings["metadata"] = new JsonObject { ["service_account_id"] = key.Alias };
            }

            return Answer.Ok(KeyShapes.Generated(key, value));
        }
    }

    public Answer Update(Call call)
    {
        var body = call.Body;
        var named = body.StringOf("key");
        if (Fields.Refuse(body) is { } refusal)
        {
            return refusal;
        }

        if (body.ValueKind is JsonValueKind.Object && body.TryGetProperty("models", out var models) && models.ValueKind is JsonValueKind.Null)
        {
            return Errors.Auth("Authentication Error, Unable to match input value to any allowed input type for the field.", 400);
        }

        lock (_gate)
        {
            var key = named is null ? keys.FindByAlias(body.StringOf("key_alias")) : keys.FindLive(named);
            if (key is null)
            {
                return NotFound("Key not found.");
            }

            if (RefuseAlias(body, key) is { } taken)
            {
                return taken;
            }

            Fields.Apply(body, key.Settings, s_settings);
            if (body.Has("spend", out var spend))
            {
                key.Spend = spend.GetDecimal();
            }

            SetTimes(body, key, time.GetUtcNow());
            Touch(key);
            var answer = new JsonObject { ["key"] = named ?? key.Hash };
            foreach (var (name, value) in KeyShapes.WithToken(key).ToList())
            {
                answer[name] = value?.DeepClone();
            }

            return Answer.Ok(answer);
        }
    }

    public Answer Delete(Call call)
    {
        var named = call.Body.Strings("keys");
        var aliases = call.Body.Strings("key_aliases");
        if (named.Count + aliases.Count == 0)
        {
            return Errors.Invalid("value_error", "Value error, At least one of 'keys' or 'key_aliases' must be provided.", "body");
        }

        var found = named.Select(keys.FindLive).Concat(aliases.Select(keys.FindByAlias)).OfType<VirtualKey>().ToList();
        if (found.Count == 0)
        {
            return Fields.Internal(404, "{'error': 'No keys found'}");
        }

        found.ForEach(keys.Delete);
        return Answer.Ok(new JsonObject { ["deleted_keys"] = new JsonArray([.. named.Concat(aliases).Select(name => JsonValue.Create(name))]) });
    }

    public Answer Block(Call call, bool blocked)
    {
        if (keys.FindLive(call.Body.StringOf("key")) is not { } key)
        {
            return NotFound("Key not found.");
        }

        key.Settings["blocked"] = blocked;
        key.BlockCountsFrom = key.CachedAt is null ? time.GetUtcNow() : time.GetUtcNow() + mode.BlockDelay;
        Touch(key);
        return Answer.Ok(blocked ? KeyShapes.Row(key) : KeyShapes.WithToken(key));
    }

    public Answer ResetSpend(Call call)
    {
        if (keys.FindLive(call.Http.Request.RouteValues["key"] as string) is not { } key)
        {
            return NotFound("Key not found.");
        }

        var before = key.Spend;
        key.Spend = call.Body.Has("reset_to", out var to) ? to.GetDecimal() : 0;
        return Answer.Ok(new JsonObject
        {
            ["key_hash"] = key.Hash,
            ["spend"] = PythonFloat.Node(key.Spend),
            ["previous_spend"] = PythonFloat.Node(before),
            ["max_budget"] = PythonFloat.Node(key.MaxBudget),
            ["budget_reset_at"] = null,
        });
    }

    private static Answer? RefuseValue(string? value) => value switch
    {
        null => null,
        { Length: < 16 } => Fields.Internal(400, "{'error': 'Invalid key format. LiteLLM Virtual Key must be at least 16 characters long.'}"),
        _ when !value.StartsWith("sk-", StringComparison.Ordinal) =>
            Fields.Internal(400, $"{{'error': \"Invalid key format. LiteLLM Virtual Key must start with 'sk-'. Received: {value[..4]}****{value[^4..]}\"}}"),
        _ => null,
    };

    private static Answer? RefuseLicensed(JsonElement body) => body.Has("tags", out _)
        ? Fields.Internal(403, "{'error': 'This feature is only available for LiteLLM Enterprise users: tags. You must be a LiteLLM Enterprise user to use this feature.'}")
        : null;

    private Answer? RefuseAlias(JsonElement body, VirtualKey? self) =>
        body.StringOf("key_alias") is { } alias && keys.FindByAlias(alias) is { } other && other != self
            ? Errors.Proxy(400, "bad_request_error", $"Key with alias '{alias}' already exists. Unique key aliases across all keys are required.", "key_alias")
            : null;

    private static Answer NotFound(string message) => Errors.Proxy(404, "not_found_error", message, "key");

    private VirtualKey Unstored(string value) =>
        new() { Hash = Ids.Hash(value), Name = KeyRing.NameOf(value), CreatedAt = time.GetUtcNow(), UpdatedAt = time.GetUtcNow() };

    private static void SetKeyType(JsonElement body, VirtualKey key)
    {
        var type = body.StringOf("key_type") ?? "default";
        key.Settings["key_type"] = type;
        if (type is "llm_api" or "management")
        {
            key.Settings["allowed_routes"] = new JsonArray(type + "_routes");
        }
    }

    private static void SetTimes(JsonElement body, VirtualKey key, DateTimeOffset now)
    {
        if (body.StringOf("duration") is { } duration)
        {
            key.ExpiresAt = now + Fields.Duration(duration);
        }
        else if (body.ValueKind is JsonValueKind.Object && body.TryGetProperty("duration", out _))
        {
            key.ExpiresAt = null;
        }

        if (key.Settings["budget_duration"]?.GetValue<string>() is { } window)
        {
            key.Settings["budget_reset_at"] = Fields.Stamp(Fields.ResetAt(window, now));
        }
    }

    private void Touch(VirtualKey key)
    {
        key.UpdatedAt = time.GetUtcNow();
        key.SettingsUpdatedAt = key.UpdatedAt;
    }
}
