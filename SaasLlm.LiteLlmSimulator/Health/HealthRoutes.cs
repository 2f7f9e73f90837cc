using System.Text.Json.Nodes;
using SaasLlm.LiteLlmSimulator.Control;
using SaasLlm.LiteLlmSimulator.Http;
using SaasLlm.LiteLlmSimulator.Models;
using SaasLlm.LiteLlmSimulator.Playing;

namespace SaasLlm.LiteLlmSimulator.Health;

internal static class HealthRoutes
{
    public static void MapHealth(this WebApplication app)
    {
        var mode = app.Services.GetRequiredService<Mode>();
        var catalogue = app.Services.GetRequiredService<ModelCatalogue>();
        var player = app.Services.GetRequiredService<RecordingPlayer>();

        foreach (var path in new[] { "/health/liveliness", "/health/liveness" })
        {
            app.MapGet(path, http => Answer.Ok("I'm alive!").WriteToAsync(http));
        }

        app.MapGet("/health/readiness", http => Readiness(mode).WriteToAsync(http));
        app.Route("GET", ["/health/readiness/details"], Access.Admin, _ => mode.Database is DatabaseMode.Lost
            ? player.Answer("management/outage/readiness-details")
            : player.Answer(mode.Database is DatabaseMode.None ? "inference/health/readiness-details" : "management/access/readiness-details"));
        app.Route("GET", ["/health"], Access.Admin, call => Answer.Ok(Health(catalogue, call.Query("model"))));
        app.Route("GET", ["/health/backlog"], Access.AnyKey, _ => Answer.Ok(new JsonObject
        {
            ["in_flight_requests"] = 1,
            ["admitted_requests"] = 0,
            ["queued_requests"] = 0,
            ["rejected_requests"] = 0,
        }));
        app.Route("GET", ["/test"], Access.AnyKey, _ => Answer.Ok(new JsonObject { ["route"] = "/test" }));
    }

    private static Answer Readiness(Mode mode) => mode.Database switch
    {
        DatabaseMode.Lost => new(503, State("disconnected")),
        DatabaseMode.None => Answer.Ok(State("Not connected")),
        _ => Answer.Ok(State("connected")),
    };

    private static JsonObject State(string database) => new() { ["status"] = "healthy", ["db"] = database };

    private static JsonObject Health(ModelCatalogue catalogue, string? only)
    {
        var models = catalogue.Named.Where(model => only is null || model.Name == only).ToList();
        return new()
        {
            ["healthy_endpoints"] = new JsonArray([.. models.Select(model => new JsonObject
            {
                ["api_base"] = Inference.CallHeaders.ApiBase,
                ["model"] = model.Provider,
                ["model_id"] = model.Id,
            })]),
            ["unhealthy_endpoints"] = new JsonArray(),
            ["healthy_count"] = models.Count,
            ["unhealthy_count"] = 0,
        };
    }
}
