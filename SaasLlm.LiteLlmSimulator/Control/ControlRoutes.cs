using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using SaasLlm.LiteLlmSimulator.Faults;
using SaasLlm.LiteLlmSimulator.Http;
using SaasLlm.LiteLlmSimulator.Keys;
using SaasLlm.LiteLlmSimulator.Playing;
using SaasLlm.LiteLlmSimulator.Teams;

namespace SaasLlm.LiteLlmSimulator.Control;

/// <summary>The simulator's own routes, for tests and by hand; none of them exists at LiteLLM. All need the master key.</summary>
internal static class ControlRoutes
{
    public static void MapControl(this WebApplication app)
    {
        var services = app.Services;
        var log = services.GetRequiredService<RequestLog>();
        var mode = services.GetRequiredService<Mode>();
        var store = services.GetRequiredService<RecordingStore>();

        FaultRoutes.Map(app, services.GetRequiredService<FaultBook>(), store);
        app.Route("GET", ["/simulator/requests"], Access.Admin, call => Answer.Ok(new JsonObject { ["requests"] = log.Last(Number(call, "last", 100)) }));
        app.Route("DELETE", ["/simulator/requests"], Access.Admin, _ => Done(log.Clear));
        app.Route("GET", ["/simulator/mode"], Access.Admin, _ => Answer.Ok(Show(mode)));
        app.Route("POST", ["/simulator/mode"], Access.Admin, call => Set(mode, call.Body));
        app.Route("POST", ["/simulator/release"], Access.Admin, call => Release(services.GetRequiredService<Holds>(), call.Body));
        app.Route("POST", ["/simulator/reset"], Access.Admin, _ => Done(() => Reset(services)));
        app.Route("GET", ["/simulator/recordings"], Access.Admin, call => Answer.Ok(Names(store.Names, call.Query("contains"))));
        app.Route("GET", ["/simulator/aliases"], Access.Admin, call => Answer.Ok(Names(Aliases.Known.Select(alias => "mock/" + alias), call.Query("contains"))));
    }

    private static Answer Set(Mode mode, JsonElement body)
    {
        if (body.StringOf("database") is { } database)
        {
            if (!Enum.TryParse<DatabaseMode>(database, ignoreCase: true, out var wanted))
            {
                return Errors.DetailError(400, "database is one of connected, lost, none");
            }

            mode.Database = wanted;
        }

        if (body.Has("block_delay_seconds", out var block))
        {
            mode.BlockDelay = TimeSpan.FromSeconds(block.GetDouble());
        }

        if (body.Has("chunk_delay_ms", out var chunk))
        {
            mode.ChunkDelay = TimeSpan.FromMilliseconds(chunk.GetDouble());
        }

        if (body.Has("recorded_timing", out var timing))
        {
            mode.RecordedTiming = timing.GetBoolean();
        }

        return Answer.Ok(Show(mode));
    }

    private static Answer Release(Holds holds, JsonElement body)
    {
        if (!body.Has("hold", out var hold) || !hold.TryGetInt32(out var number))
        {
            return Errors.DetailError(400, "hold is the number of a mock/hold-…");
        }

        return Done(() => holds.Release(number));
    }

    private static JsonObject Show(Mode mode) => new()
    {
        ["database"] = mode.Database.ToString().ToLowerInvariant(),
        ["block_delay_seconds"] = mode.BlockDelay.TotalSeconds,
        ["chunk_delay_ms"] = mode.ChunkDelay.TotalMilliseconds,
        ["recorded_timing"] = mode.RecordedTiming,
    };

    private static void Reset(IServiceProvider services)
    {
        services.GetRequiredService<Mode>().Reset();
        services.GetRequiredService<RequestLog>().Clear();
        services.GetRequiredService<FaultBook>().Clear();
        services.GetRequiredService<Holds>().Reset();
        services.GetRequiredService<KeyRing>().Clear();
        services.GetRequiredService<TeamBook>().Clear();
        services.GetRequiredService<Ids>().Reset();
    }

    private static JsonArray Names(IEnumerable<string> names, string? contains) => new(
        [.. names.Where(name => contains is null || name.Contains(contains, StringComparison.OrdinalIgnoreCase)).Select(name => JsonValue.Create(name))]);

    private static int Number(Call call, string name, int otherwise) =>
        int.TryParse(call.Query(name), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : otherwise;

    private static Answer Done(Action action)
    {
        action();
        return Answer.Ok(new JsonObject { ["done"] = true });
    }
}
