using SaasLlm.LiteLlmSimulator.Http;

namespace SaasLlm.LiteLlmSimulator.Control;

/// <summary>LiteLLM's management routes that the simulator does not have; virtual keys are refused there as recorded.</summary>
internal static class NotSimulated
{
    public static void MapNotSimulated(this WebApplication app)
    {
        app.Route(
            "POST",
            ["/user/new", "/user/update", "/user/delete", "/budget/new", "/customer/new", "/organization/new", "/spend/calculate"],
            Access.Admin,
            _ => Missing());
        app.Route(
            "GET",
            ["/user/info", "/spend/logs", "/spend/logs/v2", "/global/spend", "/global/spend/report", "/spend/tags"],
            Access.Admin,
            _ => Missing());
        app.Route("POST", ["/model/new", "/model/update", "/model/delete"], Access.AnyKey, call => call.Caller.IsMaster ? Missing() : Errors.Auth(
            "{'error': 'User does not have permission to make this model call. Your role=internal_user. You can only make model calls if you are a PROXY_ADMIN or if you are a team admin, by specifying a team_id in the model_info.'}",
            403));
        app.Route("GET", ["/user/list"], Access.AnyKey, call => call.Caller.IsMaster ? Missing() : Errors.DetailError(403, "Only proxy admins and organization admins can list users."));
    }

    private static Answer Missing() => Errors.DetailError(501, "LiteLLM has this route; the simulator does not.");
}
