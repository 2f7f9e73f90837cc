using SaasLlm.LiteLlmSimulator.Http;
using SaasLlm.LiteLlmSimulator.Keys;
using SaasLlm.LiteLlmSimulator.Playing;

namespace SaasLlm.LiteLlmSimulator.Control;

/// <summary>Without a database the management routes answer what LiteLLM was recorded to answer then.</summary>
internal sealed class DatabaseMiddleware(RequestDelegate next, Mode mode, Authenticator authenticator, RecordingPlayer player)
{
    private static readonly Dictionary<string, string> s_without = new()
    {
        ["POST /key/generate"] = "inference/nodb/key-generate",
        ["POST /key/update"] = "inference/nodb/key-update",
        ["POST /key/delete"] = "inference/nodb/key-delete",
        ["POST /key/block"] = "inference/nodb/key-block",
        ["POST /key/unblock"] = "inference/nodb/key-block",
        ["GET /key/info"] = "inference/nodb/key-info",
        ["GET /key/list"] = "inference/nodb/key-list",
        ["POST /team/new"] = "inference/nodb/team-new",
        ["GET /team/info"] = "inference/nodb/team-info",
        ["GET /team/list"] = "inference/nodb/team-list",
        ["POST /user/new"] = "inference/nodb/user-new",
        ["GET /user/info"] = "inference/nodb/user-info",
        ["GET /spend/logs"] = "inference/nodb/spend-logs",
        ["POST /model/new"] = "inference/nodb/model-new",
        ["POST /model/delete"] = "inference/nodb/model-delete",
        ["POST /budget/new"] = "inference/nodb/budget-new",
        ["POST /customer/new"] = "inference/nodb/customer-new",
        ["GET /global/spend"] = "inference/nodb/global-spend",
        ["GET /spend/tags"] = "inference/nodb/spend-tags",
        ["GET /spend/logs/v2"] = "inference/nodb/spend-logs-v2",
        ["GET /cache/ping"] = "inference/nodb/cache-ping",
        ["GET /v2/model/info"] = "inference/models/v2-model-info",
    };

    private static readonly Dictionary<string, string> s_lost = new()
    {
        ["POST /key/generate"] = "management/outage/key-generate",
        ["POST /key/update"] = "management/outage/key-update",
        ["POST /key/delete"] = "management/outage/key-delete",
        ["POST /key/block"] = "management/outage/key-block",
        ["POST /key/unblock"] = "management/outage/key-block",
        ["GET /key/info"] = "management/outage/key-info",
        ["POST /team/new"] = "management/outage/team-new",
        ["GET /team/info"] = "management/outage/team-info",
        ["GET /model/info"] = "management/outage/model-info",
        ["GET /v1/model/info"] = "management/outage/model-info",
        ["POST /user/new"] = "management/outage/user-new",
        ["GET /spend/logs"] = "management/outage/spend-logs",
        ["POST /model/new"] = "management/outage/model-new",
    };

    public async Task InvokeAsync(HttpContext http)
    {
        var table = mode.Database switch
        {
            DatabaseMode.None => s_without,
            DatabaseMode.Lost => s_lost,
            _ => null,
        };
        if (table is null || !table.TryGetValue($"{http.Request.Method} {http.Request.Path}", out var recording) || IsInvalid(http))
        {
            await next(http);
            return;
        }

        var (caller, refusal) = authenticator.Authenticate(http, Access.Admin);
        await (caller is null ? refusal! : player.Answer(recording)).WriteToAsync(http);
    }

    // A body that FastAPI refuses never gets as far as the database.
    private static bool IsInvalid(HttpContext http) => !RequestBody.Of(http).TryParse(out var body, out _) || Fields.Refuse(body)?.Status == 422;
}
