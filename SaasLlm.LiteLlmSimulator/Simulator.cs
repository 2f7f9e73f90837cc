using SaasLlm.LiteLlmSimulator.Control;
using SaasLlm.LiteLlmSimulator.Faults;
using SaasLlm.LiteLlmSimulator.Health;
using SaasLlm.LiteLlmSimulator.Http;
using SaasLlm.LiteLlmSimulator.Inference;
using SaasLlm.LiteLlmSimulator.Keys;
using SaasLlm.LiteLlmSimulator.Models;
using SaasLlm.LiteLlmSimulator.Playing;
using SaasLlm.LiteLlmSimulator.Teams;
using SaasLlm.ServiceDefaults;

namespace SaasLlm.LiteLlmSimulator;

/// <summary>A stand-in for a LiteLLM 1.106.2 proxy: README.md beside this file.</summary>
internal static class Simulator
{
    /// <param name="args">Configuration, for example <c>--MasterKey sk-…</c> and <c>--urls http://127.0.0.1:4000</c>.</param>
    /// <param name="time">The clock for key expiry, delays and timestamps; the machine's when null.</param>
    public static WebApplication Build(string[] args, TimeProvider? time = null)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions
        {
            Args = args,
            ContentRootPath = AppContext.BaseDirectory,
        });
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);

        // It would report each answer that is cut on purpose; what fails by mistake is logged by FrameMiddleware.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Server.Kestrel", LogLevel.Critical);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.ResponseHeaderEncodingSelector = _ => System.Text.Encoding.Latin1;
            kestrel.Limits.MaxRequestBodySize = 64 * 1024 * 1024;
        });
        builder.AddServiceDefaults("litellm-simulator");
        builder.Services.AddSingleton(SimulatorOptions.From(builder.Configuration));
        builder.Services.AddSingleton(time ?? TimeProvider.System);
        builder.Services.AddSimulator();

        var app = builder.Build();
        app.UseMiddleware<RequestLogMiddleware>();
        app.UseMiddleware<FrameMiddleware>();
        app.UseMiddleware<FaultMiddleware>();
        app.UseMiddleware<DatabaseMiddleware>();
        app.MapHealth();
        app.MapKeys();
        app.MapTeams();
        app.MapModels();
        app.MapInference();
        app.MapNotSimulated();
        app.MapControl();
        return app;
    }

    private static void AddSimulator(this IServiceCollection services) => services
        .AddSingleton<Mode>()
        .AddSingleton<RequestLog>()
        .AddSingleton<FaultBook>()
        .AddSingleton<RecordingStore>()
        .AddSingleton<RecordingPlayer>()
        .AddSingleton<AliasPlayer>()
        .AddSingleton<Holds>()
        .AddSingleton<Ids>()
        .AddSingleton<KeyRing>()
        .AddSingleton<TeamBook>()
        .AddSingleton<ModelCatalogue>()
        .AddSingleton<Authenticator>();
}
