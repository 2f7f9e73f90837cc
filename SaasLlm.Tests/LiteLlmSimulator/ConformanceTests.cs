using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;

namespace SaasLlm.Tests.LiteLlmSimulator;

/// <summary>
/// Each recorded request that the simulator answers by itself is sent to it, and the answers are compared: status, error type and
/// code, names of the x-litellm headers and retry-after, and the shape of the body. What is left out stands in <see cref="Excluded"/>.
/// </summary>
public sealed class ConformanceTests(ConfiguredHosts hosts) : IClassFixture<ConfiguredHosts>
{
    public static TheoryData<string> Cases => new(Excluded.Compared());

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Answers_as_recorded(string name)
    {
        var recorded = RecordedCase.Load("1.106.2", name);
        var host = await hosts.ForAsync(recorded);
        var bound = new Placeholders(name);
        await Excluded.PrepareAsync(name, host, bound);
        foreach (var step in recorded.Before)
        {
            using var earlier = await SendAsync(host, step["request"]!.AsObject(), bound);
            var text = await earlier.Content.ReadAsStringAsync();
            if (step["response"]?["body"] is { } body)
            {
                bound.Learn(body, JsonNode.Parse(text));
            }
        }

        host.Time.Shift = Excluded.WaitBefore(name);
        using var answer = await SendAsync(host, recorded.Request, bound);

        Assert.Equal(recorded.Status, (int)answer.StatusCode);
        Assert.Equal(HeaderNames(recorded.Response["headers"]!.AsObject().Select(header => header.Key)), HeaderNames(answer.Headers.Select(header => header.Key)));
        var content = await answer.Content.ReadAsStringAsync();
        if (recorded.Lines is { } lines)
        {
            Assert.Equal(Collapsed(lines.Select(line => line!.GetValue<string>())), Collapsed(content.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
        }
        else if (answer.Content.Headers.ContentType?.MediaType != "application/json")
        {
            Assert.Equal(recorded.Response["body"]?.GetValue<string>() ?? "", content);
        }
        else if (content.Length > 0)
        {
            var simulated = JsonNode.Parse(content);
            var body = recorded.Response["body"];
            Assert.Equal(ErrorOf(body), ErrorOf(simulated));
            Assert.Empty(Shape.Differences(body, simulated));
        }
        else
        {
            Assert.Null(recorded.Response["body"]);
        }
    }

    /// <summary>That the share of what is compared does not shrink unseen.</summary>
    [Theory]
    [InlineData("inference/auth", 23)]
    [InlineData("inference/chat", 53)]
    [InlineData("inference/embeddings", 10)]
    [InlineData("inference/models", 10)]
    [InlineData("inference/nodb", 26)]
    [InlineData("inference/stream", 23)]
    [InlineData("management/access", 44)]
    [InlineData("management/keys", 70)]
    [InlineData("management/teams", 37)]
    public void Compares_most_cases_of_what_it_answers(string area, int atLeast) =>
        Assert.True(Excluded.Compared().Count(name => name.StartsWith(area + "/", StringComparison.Ordinal)) >= atLeast);

    [Fact]
    public void Every_exclusion_names_a_case_and_a_reason() => Assert.All(Excluded.ByName, entry =>
    {
        Assert.True(File.Exists(Path.Combine(RecordedCase.Folder, "1.106.2", entry.Key + ".json")), entry.Key);
        Assert.NotEmpty(entry.Value);
    });

    private static async Task<HttpResponseMessage> SendAsync(SimulatorHost host, JsonObject recorded, Placeholders bound)
    {
        using var request = new HttpRequestMessage(HttpMethod.Parse(recorded["method"]!.GetValue<string>()), bound.Fill(recorded["path"]!.GetValue<string>()));
        var headers = recorded["headers"]!.AsObject().ToDictionary(header => header.Key, header => bound.Fill(header.Value!.GetValue<string>()));
        if (recorded["body"] is { } body)
        {
            var text = bound.Fill(body is JsonValue value && value.TryGetValue<string>(out var raw) ? raw : body.ToJsonString());
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(text));
            if (headers.Remove("content-type", out var type))
            {
                request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
            }
        }

        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return await host.Client.SendAsync(request);
    }

    private static string HeaderNames(IEnumerable<string> names) => string.Join(' ', names
        .Where(name => name.StartsWith("x-litellm-", StringComparison.OrdinalIgnoreCase) || name.Equals("retry-after", StringComparison.OrdinalIgnoreCase))
        .Select(name => name.ToLowerInvariant()).Order(StringComparer.Ordinal));

    private static string? ErrorOf(JsonNode? body) =>
        body is JsonObject fields && fields["error"] is JsonObject error ? $"{error["type"]} {error["code"]}" : null;

    /// <summary>The shapes of a stream's events, of equal ones in a row only the first.</summary>
    private static List<string> Collapsed(IEnumerable<string> lines)
    {
        var shapes = lines.Where(line => line.StartsWith("data:", StringComparison.Ordinal))
            .Select(line => line == "data: [DONE]" ? "[DONE]" : Skeleton.Of(JsonNode.Parse(line["data: ".Length..])!)).ToList();
        return [.. shapes.Where((shape, index) => index == 0 || shapes[index - 1] != shape)];
    }
}
