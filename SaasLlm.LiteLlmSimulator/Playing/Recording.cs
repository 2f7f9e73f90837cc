using System.Text;
using System.Text.Json;

namespace SaasLlm.LiteLlmSimulator.Playing;

/// <summary>One recorded answer, ready to be played.</summary>
/// <param name="Status">0: no answer was read.</param>
/// <param name="Body">The bytes of an ordinary answer; null for a stream.</param>
/// <param name="Lines">The lines of a stream, blank ones dropped.</param>
/// <param name="Took">How long the answer took, where that was long enough to be part of the case.</param>
/// <param name="Gap">Between two chunks.</param>
/// <param name="IsCut">The stream was not read to its end.</param>
internal sealed record Recording(
    int Status,
    IReadOnlyList<KeyValuePair<string, string>> Headers,
    byte[]? Body,
    IReadOnlyList<string>? Lines,
    TimeSpan Took,
    TimeSpan Gap,
    bool IsCut)
{
    /// <summary>Shorter answers took their time by chance.</summary>
    private const int ShortestTookMs = 400;

    public static Recording Parse(byte[] json)
    {
        using var document = JsonDocument.Parse(json);
        var root = document.RootElement;
        var response = root.GetProperty("response");
        var headers = response.GetProperty("headers").EnumerateObject()
            .Select(header => KeyValuePair.Create(header.Name, Shortened.Header(header.Value.GetString()!))).ToList();
        var lines = response.TryGetProperty("sse", out var sse)
            ? sse.EnumerateArray().Select(line => Shortened.Line(line.GetString()!)).ToList()
            : null;
        var gap = root.TryGetProperty("upstream", out var upstream) && upstream.ValueKind is JsonValueKind.Object
            && upstream.TryGetProperty("gap_ms", out var gapMs) ? gapMs.GetInt32() : 0;
        return new(
            response.GetProperty("status").GetInt32(),
            headers,
            lines is null ? BodyOf(response, headers) : null,
            lines,
            TookOf(root),
            TimeSpan.FromMilliseconds(lines is null ? 0 : gap),
            response.TryGetProperty("ended", out _));
    }

    private static TimeSpan TookOf(JsonElement root)
    {
        var took = root.TryGetProperty("response_took_about_ms", out var about) ? about.GetDouble()
            : root.TryGetProperty("took_ms", out var exact) ? exact.GetDouble() : 0;
        return took < ShortestTookMs ? TimeSpan.Zero : TimeSpan.FromMilliseconds(took);
    }

    private static byte[] BodyOf(JsonElement response, List<KeyValuePair<string, string>> headers)
    {
        if (!response.TryGetProperty("body", out var body))
        {
            return [];
        }

        var length = headers.FirstOrDefault(header => header.Key == "content-length").Value;
        var isJson = headers.Any(header => header.Key == "content-type" && header.Value.StartsWith("application/json", StringComparison.Ordinal));
        return body.ValueKind switch
        {
            JsonValueKind.Null => isJson && length == "4" ? "null"u8.ToArray() : [],
            JsonValueKind.String when !isJson => Encoding.UTF8.GetBytes(body.GetString()!),
            _ => Minify(Encoding.UTF8.GetBytes(body.GetRawText())),
        };
    }

    /// <summary>LiteLLM writes JSON without spaces, and so came out the recorded content-length; escapes and numbers stay as they are.</summary>
    private static byte[] Minify(byte[] json)
    {
        var kept = new List<byte>(json.Length);
        var inString = false;
        for (var i = 0; i < json.Length; i++)
        {
            var letter = json[i];
            if (inString || letter is not ((byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t'))
            {
                kept.Add(letter);
            }

            if (inString && letter == '\\')
            {
                kept.Add(json[++i]);
            }
            else if (letter == '"')
            {
                inString = !inString;
            }
        }

        return [.. kept];
    }
}
