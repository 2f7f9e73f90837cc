using System.Text.Json.Nodes;
using SaasLlm.LiteLlmSimulator.Http;
using SaasLlm.LiteLlmSimulator.Keys;
using SaasLlm.LiteLlmSimulator.Teams;

namespace SaasLlm.LiteLlmSimulator.Models;

internal static class ModelRoutes
{
    public static void MapModels(this WebApplication app)
    {
        var catalogue = app.Services.GetRequiredService<ModelCatalogue>();
        var access = new ModelAccess(app.Services.GetRequiredService<TeamBook>());

        app.Route("GET", ["/v1/models", "/models"], Access.AnyKey, call => Answer.Ok(new JsonObject
        {
            ["data"] = new JsonArray([.. catalogue.Named.Where(model => access.Allows(call.Caller, model.Name)).Select(Short)]),
            ["object"] = "list",
        }));
        app.Route("GET", ["/v1/models/{**id}", "/models/{**id}"], Access.AnyKey, call =>
        {
            var id = call.Http.Request.RouteValues["id"] as string ?? "";
            return catalogue.Find(id) is { } model && access.Allows(call.Caller, id)
                ? Answer.Ok(Short(model))
                : Errors.Detail(404, $"The model `{id}` does not exist or is not accessible");
        });
        app.Route("GET", ["/model/info", "/v1/model/info"], Access.AnyKey, call => Info(call, catalogue, access));
    }

    private static Answer Info(Call call, ModelCatalogue catalogue, ModelAccess access)
    {
        var id = call.Query("litellm_model_id");
        if (id is not null && catalogue.ById(id) is null)
        {
            return Errors.DetailError(400, $"Model id = {id} not found on litellm proxy");
        }

        var rows = catalogue.All.Where(model => id is null ? access.Allows(call.Caller, model.Name) : model.Id == id);
        return Answer.Ok(new JsonObject { ["data"] = new JsonArray([.. rows.Select(Full)]) });
    }

    private static JsonObject Short(SimulatedModel model)
    {
        var row = new JsonObject { ["id"] = model.Name, ["object"] = "model", ["created"] = 1677610602, ["owned_by"] = "openai" };
        if (model.Mode is not null)
        {
            row["mode"] = model.Mode;
        }

        if (model.MaxInputTokens is { } input)
        {
            row["max_input_tokens"] = input;
        }

        if (model.MaxOutputTokens is { } output)
        {
            row["max_output_tokens"] = output;
        }

        return row;
    }

    private static JsonObject Full(SimulatedModel model)
    {
        var row = Json.Shape("model-info");
        var info = row["model_info"]!.AsObject();
        row["model_name"] = model.Name;
        row["litellm_params"]!["model"] = model.Provider;
        info["id"] = model.Id;
        info["key"] = model.Provider;
        info["mode"] = model.Mode;
        info["input_cost_per_token"] = PythonFloat.Node(model.InputCost);
        info["output_cost_per_token"] = PythonFloat.Node(model.OutputCost);
        info["cache_read_input_token_cost"] = PythonFloat.Node(model.CacheReadCost);
        info["max_tokens"] = model.MaxOutputTokens;
        info["max_input_tokens"] = model.MaxInputTokens;
        info["max_output_tokens"] = model.MaxOutputTokens;
        info["litellm_provider"] = model.Provider.Split('/')[0];
        foreach (var (name, value) in model.More?.ToList() ?? [])
        {
            info[name] = value?.DeepClone();
        }

        return row;
    }
}
