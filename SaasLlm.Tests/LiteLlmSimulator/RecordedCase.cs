using System.Text.Json.Nodes;

namespace SaasLlm.Tests.LiteLlmSimulator;

/// <summary>A recording as a test reads it.</summary>
internal sealed class RecordedCase(string name, JsonObject root)
{
    public static readonly string Folder = System.IO.Path.Combine(AppContext.BaseDirectory, "Recordings");

    public string Name { get; } = name;

    public JsonObject Config => root["config"]!.AsObject();

    public JsonNode? Upstream => root["upstream"];

    public JsonObject Request => root["request"]!.AsObject();

    public JsonObject Response => root["response"]!.AsObject();

    public int Status => Response["status"]!.GetValue<int>();

    public JsonArray? Lines => Response["sse"]?.AsArray();

    public IEnumerable<JsonObject> Before => root["before"]!.AsArray().Select(step => step!.AsObject());

    public string Method => Request["method"]!.GetValue<string>();

    public string Path => Request["path"]!.GetValue<string>();

    /// <summary>All names below a version, for example <c>inference/chat/plain</c>.</summary>
    public static IEnumerable<string> Names(string version) => Directory
        .EnumerateFiles(System.IO.Path.Combine(Folder, version), "*.json", SearchOption.AllDirectories)
        .Select(file => System.IO.Path.GetRelativePath(System.IO.Path.Combine(Folder, version), file)[..^5].Replace('\\', '/'))
        .Order(StringComparer.Ordinal);

    public static RecordedCase Load(string version, string name) =>
        new(name, JsonNode.Parse(File.ReadAllText(System.IO.Path.Combine(Folder, version, name + ".json")))!.AsObject());
}
