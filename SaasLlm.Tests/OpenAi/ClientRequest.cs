using System.Text.Json;
using System.Text.Json.Nodes;

namespace SaasLlm.Tests.OpenAi;

/// <summary>What a client of OpenAI's sent, as recorded.</summary>
/// <param name="Call">The client and what it was asked to do, for example <c>openai-python/n-2</c>.</param>
internal sealed record ClientRequest(string Call, string Method, string Path, IReadOnlyDictionary<string, string> Headers, JsonNode? Body)
{
    /// <summary>Names a further folder of recordings.</summary>
    public const string FolderVariable = "SAASLLM_CLIENT_REQUESTS";

    public bool IsStream => Body is JsonObject fields && fields["stream"] is JsonValue stream && stream.GetValueKind() == JsonValueKind.True;

    /// <summary>The path below the version, without its query: <c>/chat/completions</c>.</summary>
    public string Route
    {
        get
        {
            var path = Path.Split('?')[0];
            return path.StartsWith("/v1", StringComparison.Ordinal) ? path["/v1".Length..]
                : path.StartsWith("/openai/deployments/", StringComparison.Ordinal) ? "/" + path.Split('/', 5)[4]
                : path;
        }
    }

    /// <summary>The requests kept with the tests, and those of the further folder.</summary>
    public static IReadOnlyList<ClientRequest> All()
    {
        var found = new List<ClientRequest>();
        using var kept = new StreamReader(typeof(ClientRequest).Assembly.GetManifestResourceStream("client-requests")!);
        while (kept.ReadLine() is { Length: > 0 } line)
        {
            found.AddRange(Of(JsonNode.Parse(line)!, null));
        }

        if (Environment.GetEnvironmentVariable(FolderVariable) is { Length: > 0 } folder)
        {
            foreach (var file in Directory.EnumerateFiles(folder, "*.json", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
            {
                found.AddRange(Of(JsonNode.Parse(File.ReadAllText(file))!, System.IO.Path.GetRelativePath(folder, file)[..^".json".Length].Replace('\\', '/')));
            }
        }

        return found;
    }

    // A call may have taken several requests: the rest stands under "more".
    private static IEnumerable<ClientRequest> Of(JsonNode recording, string? name)
    {
        var number = 0;
        foreach (var request in new[] { recording["request"] }.Concat((recording["more"] as JsonArray ?? []).Select(more => more!["request"])))
        {
            number++;
            if (request?["path"] is not null)
            {
                yield return new(
                    (name ?? (string)recording["call"]!) + (number == 1 ? "" : $" {number}"),
                    (string)request["method"]!, (string)request["path"]!,
                    request["headers"]!.AsObject().ToDictionary(header => header.Key, header => (string)header.Value!), request["body"]?.DeepClone());
            }
        }
    }
}
