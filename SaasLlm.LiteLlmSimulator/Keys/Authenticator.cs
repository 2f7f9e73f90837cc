using SaasLlm.LiteLlmSimulator.Control;
using SaasLlm.LiteLlmSimulator.Http;
using SaasLlm.LiteLlmSimulator.Playing;
using SaasLlm.LiteLlmSimulator.Teams;

namespace SaasLlm.LiteLlmSimulator.Keys;

/// <summary>Who calls, or the recorded refusal.</summary>
internal sealed class Authenticator(SimulatorOptions options, KeyRing keys, TeamBook teams, Mode mode, RecordingPlayer player, TimeProvider time)
{
    private static readonly string[] s_bareHeaders = ["x-api-key", "api-key", "x-goog-api-key"];

    public (Caller? Caller, Answer? Refusal) Authenticate(HttpContext http, Access access)
    {
        if (options.MasterKey.Length == 0)
        {
            return (Caller.Master, null);
        }

        var (value, malformed) = KeyOf(http.Request);
        if (malformed is not null)
        {
            return (null, malformed);
        }

        if (value == options.MasterKey)
        {
            return (Caller.Master, null);
        }

        if (mode.Database is DatabaseMode.None)
        {
            return (null, Errors.Proxy(400, "no_db_connection", "No connected db."));
        }

        if (!value!.StartsWith("sk-", StringComparison.Ordinal))
        {
            var shown = value.Length > 8 && !value.Contains(' ', StringComparison.Ordinal) ? $"{value[..4]}****{value[^4..]}" : "****";
            return (null, Errors.Auth($"LiteLLM Virtual Key expected. Received={shown}, expected to start with 'sk-'."));
        }

        var key = keys.FindLive(value);
        var refusal = key is null ? Unknown(value) : Refuse(key, http.Request.Path, access);
        return refusal is null ? (new(key), null) : (null, refusal);
    }

    private static (string? Value, Answer? Malformed) KeyOf(HttpRequest request)
    {
        if (request.Headers.TryGetValue("x-litellm-api-key", out var own))
        {
            return (WithoutBearer(own.ToString()) ?? own.ToString(), null);
        }

        if (request.Headers.TryGetValue("Authorization", out var authorization))
        {
            var text = authorization.ToString();
            var value = WithoutBearer(text) ?? (text.StartsWith("Basic ", StringComparison.OrdinalIgnoreCase) ? text : null);
            return string.IsNullOrWhiteSpace(value)
                ? (null, Errors.Auth("Authentication Error, Malformed API Key passed in. Ensure Key has `Bearer ` prefix."))
                : (value, null);
        }

        return s_bareHeaders.Select(name => request.Headers[name].ToString()).FirstOrDefault(text => text.Length > 0) is { } bare
            ? (bare, null)
            : (null, Errors.Auth("Authentication Error, No api key passed in."));
    }

    private static string? WithoutBearer(string text) =>
        text.Equals("Bearer", StringComparison.OrdinalIgnoreCase) ? ""
        : text.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) ? text[7..].Trim()
        : null;

    private static Answer Unknown(string value) => Errors.Proxy(
        401,
        "token_not_found_in_db",
        $"Authentication Error, Invalid proxy server token passed. Received API Key = {KeyRing.NameOf(value)}, Key Hash (Token) ={Ids.Hash(value)}. Unable to find token in cache or `LiteLLM_VerificationTokenTable`",
        "key");

    private Answer? Refuse(VirtualKey key, PathString path, Access access)
    {
        var now = time.GetUtcNow();
        if (mode.Database is DatabaseMode.Lost && !mode.StillCached(key, now))
        {
            return player.Answer("management/outage/uncached-key");
        }

        if (key.Blocked && now >= key.BlockCountsFrom)
        {
            return Errors.Auth("Authentication Error, Key is blocked. Update via `/key/unblock` if you're an admin.");
        }

        if (key.ExpiresAt <= now)
        {
            return Errors.Proxy(
                401,
                "expired_key",
                $"Authentication Error - Expired Key. Key Expiry time {key.ExpiresAt:yyyy-MM-dd HH:mm:ss.ffffff}+00:00 and current time {now:yyyy-MM-dd HH:mm:ss.ffffff}+00:00",
                key.Name);
        }

        if (key.TeamId is { } teamId && teams.Refuse(teamId, key, now) is { } teamRefusal)
        {
            return teamRefusal;
        }

        if (key.AllowedRoutes.Count > 0 && !KeyRoutesAllowed.Allows(key.AllowedRoutes, path.Value!))
        {
            var list = string.Join(", ", key.AllowedRoutes.Select(route => $"'{route}'"));
            return Errors.Detail(403, $"Virtual key is not allowed to call this route. Only allowed to call routes: [{list}]. Tried to call route: {path}");
        }

        if (access is Access.Admin)
        {
            return Errors.Auth($"Authentication Error, Only proxy admin can be used to generate, delete, update info for new keys/users/teams. Route={path}. Your role=unknown. Your user_id=*******");
        }

        if (mode.Database is DatabaseMode.Connected)
        {
            key.CachedAt = now;
        }

        return null;
    }
}
