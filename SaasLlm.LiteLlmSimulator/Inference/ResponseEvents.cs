using System.Text.Json.Nodes;
using SaasLlm.LiteLlmSimulator.Http;

namespace SaasLlm.LiteLlmSimulator.Inference;

/// <summary>The events of a streamed response, in OpenAI's order; LiteLLM adds the model to each.</summary>
internal static class ResponseEvents
{
    public static IReadOnlyList<JsonObject> Of(string model, JsonObject completed, Echo echo, decimal cost)
    {
        var item = completed["output"]![0]!.AsObject();
        var itemId = item["id"]!.GetValue<string>();
        var events = new List<JsonObject>();
        Add("response.created", new() { ["response"] = Begun() });
        Add("response.in_progress", new() { ["response"] = Begun() });
        if (echo.ToolCalls.Count == 0)
        {
            AddText();
            Add("response.output_item.done", new() { ["output_index"] = 0, ["item"] = WithoutNulls(item) });
        }

        for (var index = 0; index < echo.ToolCalls.Count; index++)
        {
            AddToolCall(index, completed["output"]![index]!.AsObject());
        }

        Add(echo.IsLimited ? "response.incomplete" : "response.completed", new() { ["response"] = Streamed() });
        return events;

        void Add(string type, JsonObject fields)
        {
            var happened = new JsonObject { ["type"] = type };
            foreach (var (name, value) in fields.ToList())
            {
                happened[name] = value?.DeepClone();
            }

            happened["sequence_number"] = events.Count;
            happened["model"] = model;
            events.Add(happened);
        }

        void AddText()
        {
            Add("response.output_item.added", new()
            {
                ["output_index"] = 0,
                ["item"] = new JsonObject
                {
                    ["id"] = itemId,
                    ["type"] = "message",
                    ["status"] = "in_progress",
                    ["role"] = "assistant",
                    ["content"] = new JsonArray(),
                }
            });
            Add("response.content_part.added", Part("part", new JsonObject { ["type"] = "output_text", ["text"] = "", ["annotations"] = new JsonArray() }));
            foreach (var piece in echo.Pieces())
            {
                Add("response.output_text.delta", Part("delta", piece));
            }

            Add("response.output_text.done", Part("text", echo.Text));
        }

        void AddToolCall(int index, JsonObject call)
        {
            var begun = call.DeepClone().AsObject();
            (begun["arguments"], begun["status"]) = ("", "in_progress");
            var arguments = echo.ToolCalls[index].Arguments;
            Add("response.output_item.added", new() { ["output_index"] = index, ["item"] = begun });
            Add("response.function_call_arguments.delta", new() { ["item_id"] = call["id"]!.DeepClone(), ["output_index"] = index, ["delta"] = arguments });
            Add("response.function_call_arguments.done", new() { ["item_id"] = call["id"]!.DeepClone(), ["output_index"] = index, ["arguments"] = arguments });
            Add("response.output_item.done", new() { ["output_index"] = index, ["item"] = call.DeepClone() });
        }

        JsonObject Part(string name, JsonNode value) => new()
        {
            ["item_id"] = itemId,
            ["output_index"] = 0,
            ["content_index"] = 0,
            [name] = value,
        };

        // In events the provider's object comes through without its nulls.
        JsonObject Streamed()
        {
            var response = WithoutNulls(completed);
            response["reasoning"] = completed["reasoning"]?.DeepClone();
            response["usage"]!["cost"] = PythonFloat.Node(cost);
            return response;
        }

        JsonObject Begun()
        {
            var begun = Streamed();
            begun["status"] = "in_progress";
            begun["output"] = new JsonArray();
            begun.Remove("usage");
            begun.Remove("incomplete_details");
            return begun;
        }
    }

    private static JsonObject WithoutNulls(JsonObject fields) => new(fields.Where(field => field.Value is not null)
        .Select(field => KeyValuePair.Create(field.Key, Clean(field.Value!))));

    private static JsonNode? Clean(JsonNode value) => value switch
    {
        JsonObject fields => WithoutNulls(fields),
        JsonArray items => new JsonArray([.. items.Select(item => item is null ? null : Clean(item))]),
        _ => value.DeepClone(),
    };
}
