using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.Sdks;

/// <summary>One SDK of Node.js: its script runs once, all its scenarios side by side, and each test looks at one of them.</summary>
public abstract class SdkScript
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(4);

    private static readonly JsonSerializerOptions s_asWritten = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly Lazy<Task<(SdkTeam Team, IReadOnlyDictionary<string, JsonNode> Lines)>> _run;

    protected SdkScript(AppFixture fixture, string script) => _run = new(() => RunAsync(fixture, script));

    /// <summary>What the scenario printed, and how the jobs that it made ended: <c>completed 1</c>.</summary>
    internal async Task<(string Result, string[] Jobs)> OfAsync(string scenario)
    {
        var (team, lines) = await _run.Value;
        Assert.True(lines.TryGetValue(scenario, out var line), $"{scenario} printed nothing.");
        Assert.True(line["threw"] is null, $"{scenario} threw: {line["threw"]}");
        return (line["result"]!.ToJsonString(s_asWritten), await team.JobsAsync(scenario));
    }

    private static async Task<(SdkTeam, IReadOnlyDictionary<string, JsonNode>)> RunAsync(AppFixture fixture, string script)
    {
        // The packages are fetched while the product starts.
        var installing = NodeModules.FolderAsync();
        var team = await SdkTeam.CreateAsync(fixture);
        var folder = Directory.CreateDirectory(Path.Combine(await installing, $"run-{Guid.NewGuid():N}")).FullName;
        try
        {
            foreach (var source in Directory.EnumerateFiles(NodeModules.Scripts, "*.mjs"))
            {
                File.Copy(source, Path.Combine(folder, Path.GetFileName(source)));
            }

            var settings = JsonSerializer.Serialize(new { url = team.Url, key = team.Key, poorKey = team.PoorKey, run = team.Tenant.TeamId, groups = team.Groups });
            var output = await Programs.RunAsync(
                "node", [script], folder, s_patience, new Dictionary<string, string> { ["SAASLLM_SDK"] = settings, ["OPENAI_API_KEY"] = "" });
            var lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => line.StartsWith('{')).Select(line => JsonNode.Parse(line)!);
            return (team, lines.ToDictionary(line => (string)line["name"]!));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}

/// <summary>npm's <c>openai</c>.</summary>
public sealed class OpenAiNode(AppFixture fixture) : SdkScript(fixture, "openai.mjs");

/// <summary>Vercel's <c>ai</c> with <c>@ai-sdk/openai-compatible</c>.</summary>
public sealed class AiSdk(AppFixture fixture) : SdkScript(fixture, "ai-sdk.mjs");

/// <summary>LangChain.js with <c>@langchain/openai</c>.</summary>
public sealed class LangChain(AppFixture fixture) : SdkScript(fixture, "langchain.mjs");
