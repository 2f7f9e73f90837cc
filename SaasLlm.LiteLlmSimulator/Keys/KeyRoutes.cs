using SaasLlm.LiteLlmSimulator.Http;

namespace SaasLlm.LiteLlmSimulator.Keys;

internal static class KeyRoutes
{
    public static void MapKeys(this WebApplication app)
    {
        var keys = app.Services.GetRequiredService<KeyRing>();
        var editor = ActivatorUtilities.CreateInstance<KeyEditor>(app.Services);
        var reader = new KeyReader(keys);

        app.Route("POST", ["/key/generate", "/key/service-account/generate"], Access.Admin, editor.Generate);
        app.Route("POST", ["/key/update"], Access.Admin, editor.Update);
        app.Route("POST", ["/key/delete"], Access.Admin, editor.Delete);
        app.Route("POST", ["/key/block"], Access.Admin, call => editor.Block(call, blocked: true));
        app.Route("POST", ["/key/unblock"], Access.Admin, call => editor.Block(call, blocked: false));
        app.Route("POST", ["/key/regenerate", "/key/{key}/regenerate"], Access.Admin, _ => KeyEditor.Licence());
        app.Route("POST", ["/key/{key}/reset_spend"], Access.Admin, editor.ResetSpend);
        app.Route("GET", ["/key/info"], Access.AnyKey, reader.Info);
        app.Route("GET", ["/key/list"], Access.AnyKey, reader.List);
        app.Route("GET", ["/key/aliases"], Access.AnyKey, reader.Aliases);
    }
}
