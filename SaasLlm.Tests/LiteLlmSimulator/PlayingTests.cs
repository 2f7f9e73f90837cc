using System.IO.Compression;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;

namespace SaasLlm.Tests.LiteLlmSimulator;

/// <summary>What <c>recorded/&lt;name&gt;</c> answers.</summary>
public sealed class PlayingTests
{
    /// <summary>The recorder left out parts of these bodies and kept the whole one's length.</summary>
    private static readonly string[] s_shortened =
        ["management/spend/user-daily", "management/spend/logs-by-dates", "inference/models/model-group-info", "inference/nodb/routes"];

    private static readonly string[] s_setByTheServer = ["content-length", "transfer-encoding", "connection", "keep-alive", "content-encoding"];

    [Theory]
    [InlineData("1.106.2", 800)]
    [InlineData("1.109.1", 30)]
    [InlineData("1.83.14", 150)]
    public async Task Every_recording_is_played_byte_for_byte(string version, int atLeast)
    {
        await using var host = await SimulatorHost.StartAsync();
        await host.SetModeAsync("""{"recorded_timing":false}""");
        var names = RecordedCase.Names(version).ToList();
        Assert.True(names.Count >= atLeast);
        var faults = new List<string>();
        foreach (var name in names)
        {
            if (await FaultAsync(host, version, name) is { } fault)
            {
                faults.Add($"{name}: {fault}");
            }
        }

        Assert.Empty(faults);
    }

    [Fact]
    public async Task A_name_without_version_is_1_106_2_and_a_version_keeps_only_what_differs()
    {
        await using var host = await SimulatorHost.StartAsync();

        using var plain = await host.ChatAsync("recorded/inference/chat/json-array");
        using var older = await host.ChatAsync("recorded/1.83.14/inference/chat/json-array");
        using var same = await host.ChatAsync("recorded/1.83.14/inference/auth/no-key");

        Assert.Equal("""{"error":{"message":"Internal server error","type":"internal_server_error"}}""", await plain.Content.ReadAsStringAsync());
        Assert.Equal("Internal Server Error", await older.Content.ReadAsStringAsync());
        Assert.Equal(401, (int)same.StatusCode);
    }

    [Fact]
    public async Task An_unknown_recording_is_an_unknown_model()
    {
        await using var host = await SimulatorHost.StartAsync();

        using var answer = await host.ChatAsync("recorded/inference/chat/no-such-case");

        Assert.Equal(400, (int)answer.StatusCode);
        Assert.Contains("Invalid model name passed in model=recorded/inference/chat/no-such-case.", await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_gzipped_answer_is_gzipped_for_who_takes_it()
    {
        await using var host = await SimulatorHost.StartAsync();
        host.Client.DefaultRequestHeaders.AcceptEncoding.Add(new StringWithQualityHeaderValue("gzip"));

        using var answer = await host.ChatAsync("recorded/inference/errors/gzip");

        Assert.Equal("gzip", Assert.Single(answer.Content.Headers.ContentEncoding));
        await using var unpacked = new GZipStream(await answer.Content.ReadAsStreamAsync(), CompressionMode.Decompress);
        var body = await JsonNode.ParseAsync(unpacked);
        Assert.True(JsonNode.DeepEquals(RecordedCase.Load("1.106.2", "inference/errors/gzip").Response["body"], body));
    }

    // The provider went silent; LiteLLM gave up after a second and said so in the stream.
    [Fact]
    public async Task A_stream_that_fails_late_is_played_as_late()
    {
        await using var host = await SimulatorHost.StartAsync();
        var started = TimeProvider.System.GetTimestamp();

        using var answer = await host.ChatAsync("recorded/inference/stream/hang-after-chunks", stream: true);
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync());
        var first = await reader.ReadLineAsync();
        var rest = await reader.ReadToEndAsync();

        Assert.StartsWith("data: {\"id\":\"chatcmpl-up2\"", first);
        Assert.Contains("Timeout on reading data from socket", rest);
        Assert.DoesNotContain("[DONE]", rest);
        Assert.True(TimeProvider.System.GetElapsedTime(started) >= TimeSpan.FromMilliseconds(1000));
    }

    [Fact]
    public async Task A_further_folder_adds_cases_and_replaces_cases()
    {
        var folder = Directory.CreateTempSubdirectory("recordings").FullName;
        Write("1.106.2/inference/chat/plain", """{"response":{"status":418,"headers":{"content-type":"application/json"},"body":{"mine": true}}}""");
        Write("mine/new-case", """{"response":{"status":500,"headers":{"content-type":"text/plain"},"body":"Oh."}}""");
        await using var host = await SimulatorHost.StartAsync("--SAASLLM_RECORDINGS", folder);

        using var replaced = await host.ChatAsync("recorded/inference/chat/plain");
        using var added = await host.ChatAsync("recorded/mine/new-case");
        using var kept = await host.ChatAsync("recorded/inference/errors/upstream-429");
        Directory.Delete(folder, recursive: true);

        Assert.Equal((418, """{"mine":true}"""), ((int)replaced.StatusCode, await replaced.Content.ReadAsStringAsync()));
        Assert.Equal((500, "Oh."), ((int)added.StatusCode, await added.Content.ReadAsStringAsync()));
        Assert.Equal(429, (int)kept.StatusCode);

        void Write(string name, string json)
        {
            var file = Path.Combine(folder, name + ".json");
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, json);
        }
    }

    [Fact]
    public async Task Recordings_are_listed_by_name()
    {
        await using var host = await SimulatorHost.StartAsync();

        using var answer = await host.GetAsync("/simulator/recordings?contains=errors/upstream-429-r");

        Assert.Equal(
            """["1.106.2/inference/errors/upstream-429-retry-after-date","1.83.14/inference/errors/upstream-429-retry-after-date"]""",
            await answer.Content.ReadAsStringAsync());
    }

    private static async Task<string?> FaultAsync(SimulatorHost host, string version, string name)
    {
        var recorded = RecordedCase.Load(version, name);
        HttpResponseMessage answer;
        byte[] body;
        try
        {
            answer = await host.ChatAsync($"recorded/{version}/{name}");
            body = recorded.Response.ContainsKey("ended") ? await ReadCutAsync(answer) : await answer.Content.ReadAsByteArrayAsync();
        }
        catch (HttpRequestException) when (recorded.Status == 0)
        {
            return null;
        }

        using (answer)
        {
            return recorded.Status != (int)answer.StatusCode ? $"status {(int)answer.StatusCode}"
                : HeaderFault(recorded, answer) ?? BodyFault(recorded, body);
        }
    }

    private static string? HeaderFault(RecordedCase recorded, HttpResponseMessage answer)
    {
        var expected = recorded.Response["headers"]!.AsObject().Where(header => !s_setByTheServer.Contains(header.Key))
            .ToDictionary(header => header.Key.ToLowerInvariant(), header => Whole(header.Value!.GetValue<string>()));
        var actual = answer.Headers.NonValidated.Concat(answer.Content.Headers.NonValidated).Where(header => !s_setByTheServer.Contains(header.Key.ToLowerInvariant()))
            .ToDictionary(header => header.Key.ToLowerInvariant(), header => header.Value.ToString());
        actual.Remove(expected.ContainsKey("date") ? "" : "date");
        var different = expected.Keys.Union(actual.Keys).FirstOrDefault(name => expected.GetValueOrDefault(name) != actual.GetValueOrDefault(name));
        return different is null ? null : $"header {different}: {expected.GetValueOrDefault(different)} recorded, {actual.GetValueOrDefault(different)} played";
    }

    private static string? BodyFault(RecordedCase recorded, byte[] body)
    {
        var text = Encoding.UTF8.GetString(body);
        if (recorded.Lines is { } lines)
        {
            var expected = string.Concat(lines.Select(line => Whole(line!.GetValue<string>())).Select(line => line + (line.StartsWith("data:", StringComparison.Ordinal) ? "\n\n" : "\n")));
            return expected == text ? null : "stream";
        }

        var isJson = recorded.Response["headers"]!["content-type"]?.GetValue<string>().StartsWith("application/json", StringComparison.Ordinal) == true;
        var length = recorded.Response["headers"]!["content-length"]?.GetValue<string>();
        if (!isJson || body.Length == 0)
        {
            return text == (recorded.Response["body"]?.GetValue<string>() ?? "") ? null : "text";
        }

        // LiteLLM's own length, where the recorder has put nothing in place of a value, shows that not a byte is different.
        var isWhole = !text.Contains('$') && !text.Contains('…') && !text.Contains(".test", StringComparison.Ordinal) && !text.Contains("<path>", StringComparison.Ordinal)
            && recorded.Response["headers"]!["content-encoding"] is null && !s_shortened.Contains(recorded.Name);
        return !JsonNode.DeepEquals(recorded.Response["body"], JsonNode.Parse(text)) ? "body"
            : isWhole && length is not null && length != body.Length.ToString(System.Globalization.CultureInfo.InvariantCulture) ? $"length {body.Length}, {length} recorded"
            : null;
    }

    // Two values are shortened by the recorder in a way that could not be sent; they are played in full.
    private static string Whole(string value) =>
        value.EndsWith("… (7000 characters)", StringComparison.Ordinal) ? new string('a', 7000)
        : value.EndsWith('…') ? value[..^1].PadRight(300_000, 'x') + "\"}}]}"
        : value;

    private static async Task<byte[]> ReadCutAsync(HttpResponseMessage answer)
    {
        using var read = new MemoryStream();
        await Assert.ThrowsAnyAsync<IOException>(async () => await (await answer.Content.ReadAsStreamAsync()).CopyToAsync(read));
        return read.ToArray();
    }
}
