using SaasLlm.LiteLlmSimulator.Http;
using SaasLlm.LiteLlmSimulator.Keys;

namespace SaasLlm.LiteLlmSimulator.Teams;

internal static class TeamRoutes
{
    public static void MapTeams(this WebApplication app)
    {
        var editor = ActivatorUtilities.CreateInstance<TeamEditor>(app.Services);
        var reader = new TeamReader(app.Services.GetRequiredService<TeamBook>(), app.Services.GetRequiredService<KeyRing>());

        app.Route("POST", ["/team/new"], Access.Admin, editor.New);
        app.Route("POST", ["/team/update"], Access.Admin, editor.Update);
        app.Route("POST", ["/team/delete"], Access.Admin, editor.Delete);
        app.Route("POST", ["/team/block"], Access.Admin, call => editor.Block(call, blocked: true));
        app.Route("POST", ["/team/unblock"], Access.Admin, call => editor.Block(call, blocked: false));
        app.Route("GET", ["/team/info"], Access.AnyKey, reader.Info);
        app.Route("GET", ["/team/list"], Access.AnyKey, reader.List);
    }
}
