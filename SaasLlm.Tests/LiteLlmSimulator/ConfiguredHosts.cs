using System.Text.Json.Nodes;

namespace SaasLlm.Tests.LiteLlmSimulator;

/// <summary>One simulator for each configuration that occurs in the recordings, as new for each case.</summary>
public sealed class ConfiguredHosts : IAsyncDisposable
{
    private readonly Dictionary<string, SimulatorHost> _hosts = [];

    internal async Task<SimulatorHost> ForAsync(RecordedCase recorded)
    {
        // Where the body is raw text, the recorder could not tell which models of its configuration mattered.
        var models = recorded.Config["model_list"] is JsonArray { Count: > 0 } configured ? configured : ManagementModels();
        var settings = recorded.Config["general_settings"];
        var masterKey = settings?["master_key"] is null ? "" : SimulatorHost.MasterKey;
        var alwaysUsage = settings?["always_include_stream_usage"]?.GetValue<bool>() ?? false;
        var configuration = $"{masterKey} {alwaysUsage} {models.ToJsonString()}";
        if (!_hosts.TryGetValue(configuration, out var host))
        {
            var file = Path.GetTempFileName();
            await File.WriteAllTextAsync(file, new JsonObject { ["model_list"] = models.DeepClone() }.ToJsonString());
            host = _hosts[configuration] = await SimulatorHost.StartAsync("--Models", file, "--AlwaysIncludeStreamUsage", alwaysUsage.ToString(), "--MasterKey", masterKey);
            File.Delete(file);
        }

        host.Time.Shift = TimeSpan.Zero;
        (await host.PostAsync("/simulator/reset", "{}")).EnsureSuccessStatusCode();
        await host.SetModeAsync(recorded.Name.StartsWith("inference/", StringComparison.Ordinal)
            ? """{"database":"none"}"""
            : $$"""{"block_delay_seconds":{{Excluded.BlockDelay(recorded.Name)}}}""");
        return host;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var host in _hosts.Values)
        {
            await host.DisposeAsync();
        }
    }

    private static JsonArray ManagementModels() => new(
        Model("gpt-4o-mini", "openai/gpt-4o-mini"), Model("gpt-4o", "openai/gpt-4o"), Model("pricey", "openai/pricey-1"), Model("embed", "openai/text-embedding-3-small"));

    private static JsonObject Model(string name, string provider) => new()
    {
        ["model_name"] = name,
        ["litellm_params"] = new JsonObject { ["model"] = provider },
    };
}
