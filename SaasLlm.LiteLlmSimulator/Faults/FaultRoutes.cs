using System.Text.Json.Nodes;
using SaasLlm.LiteLlmSimulator.Http;
using SaasLlm.LiteLlmSimulator.Playing;

namespace SaasLlm.LiteLlmSimulator.Faults;

internal static class FaultRoutes
{
    public static void Map(IEndpointRouteBuilder app, FaultBook faults, RecordingStore store)
    {
        app.Route("POST", ["/simulator/faults"], Access.Admin, call => Arm(call, faults, store));
        app.Route("GET", ["/simulator/faults"], Access.Admin, _ => Answer.Ok(new JsonObject
        {
            ["faults"] = new JsonArray([.. faults.Armed().Select(entry => Show(entry.Fault, entry.Remaining))]),
        }));
        app.Route("DELETE", ["/simulator/faults"], Access.Admin, _ =>
        {
            faults.Clear();
            return Answer.Ok(new JsonObject { ["faults"] = new JsonArray() });
        });
    }

    private static Answer Arm(Call call, FaultBook faults, RecordingStore store)
    {
        var alias = Without("mock/", call.Body.StringOf("alias"));
        var recording = Without("recorded/", call.Body.StringOf("recording"));
        if (alias is not null && !Aliases.IsKnown(alias))
        {
            return Errors.DetailError(400, $"There is no alias {alias}; GET /simulator/aliases lists them.");
        }

        if (recording is not null && store.Find(recording) is null)
        {
            return Errors.DetailError(400, $"There is no recording {recording}; GET /simulator/recordings?contains= lists them.");
        }

        var times = call.Body.Has("times", out var count) ? count.GetInt32() : 1;
        var delay = call.Body.Has("delay_ms", out var milliseconds)
            ? TimeSpan.FromMilliseconds(milliseconds.GetDouble())
            : Aliases.Duration(call.Body.StringOf("delay") ?? "0ms") ?? TimeSpan.Zero;
        if (times < 1)
        {
            return Errors.DetailError(400, "times is 1 or more");
        }

        var fault = new Fault(faults.NewId(), call.Body.StringOf("model"), call.Body.StringOf("path"), alias, recording, delay);
        faults.Arm(fault, times);
        return Answer.Ok(Show(fault, times));
    }

    private static string? Without(string prefix, string? name) =>
        name is not null && name.StartsWith(prefix, StringComparison.Ordinal) ? name[prefix.Length..] : name;

    private static JsonObject Show(Fault fault, int remaining) => new()
    {
        ["id"] = fault.Id,
        ["model"] = fault.Model,
        ["path"] = fault.Path,
        ["alias"] = fault.Alias,
        ["recording"] = fault.Recording,
        ["delay_ms"] = fault.Delay.TotalMilliseconds,
        ["remaining"] = remaining,
    };
}
