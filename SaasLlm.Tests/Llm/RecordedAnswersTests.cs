using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;
using SaasLlm.Core.Common;
using SaasLlm.Core.Llm;
using SaasLlm.Core.Llm.Answers;
using SaasLlm.LiteLlmSimulator;
using SaasLlm.LiteLlmSimulator.Playing;

namespace SaasLlm.Tests.Llm;

/// <summary>
/// Every recorded answer of the real LiteLLM, served byte for byte to the real client. <c>SAASLLM_RECORDINGS</c> names a further folder.
/// </summary>
public sealed partial class RecordedAnswersTests
{
    private static readonly RecordingStore s_recordings = new(new SimulatorOptions
    {
        FurtherRecordings = Environment.GetEnvironmentVariable("SAASLLM_RECORDINGS"),
    });

    public static TheoryData<string> Folders => [.. s_recordings.Names.Select(FolderOf).Distinct()];

    [Fact]
    public void All_recordings_are_here() => Assert.True(s_recordings.Names.Count >= 1_100, $"{s_recordings.Names.Count} recordings");

    [Theory]
    [MemberData(nameof(Folders))]
    public async Task Each_is_understood_as_the_design_says_and_shows_the_tenant_nothing(string folder)
    {
        await using var gateway = await StubGateway.StartAsync();
        foreach (var name in s_recordings.Names.Where(name => FolderOf(name) == folder))
        {
            var recording = s_recordings.Load(name)!;
            gateway.Answer = (http, _) => ServeAsync(http, recording);
            using var bench = new CallerBench(gateway.BaseUrl);

            var result = await bench.CallAsync().WaitAsync(TimeSpan.FromSeconds(60));

            var first = FirstOutcome(bench.Ledger);
            Assert.True(first == ExpectedMeaning.Of(recording).Name(), $"{name}: taken for {first}, should be {ExpectedMeaning.Of(recording).Name()}");
            ShowsNothing(name, recording, result);
        }
    }

    /// <summary>What LiteLLM answered in a recording.</summary>
    internal static GatewayAnswer Answer(string name) => s_recordings.Load(name) is { } recording
        ? new(recording.Status, recording.Body)
        : throw new ArgumentException($"There is no recording {name}.", nameof(name));

    private static string FolderOf(string name) => string.Join('/', name.Split('/')[..^1]);

    private static string FirstOutcome(FakeLedger ledger)
        => (ledger.Commands.Skip(1).First() switch
        {
            Core.Credits.NextAttempt next => next.Ended,
            Core.Credits.EndCall end => end.Ended,
            _ => null,
        })!.Outcome;

    private static async Task ServeAsync(HttpContext http, Recording recording)
    {
        if (recording.Status == 0)
        {
            http.Abort();
            return;
        }

        http.Response.StatusCode = recording.Status;
        foreach (var (name, value) in recording.Headers)
        {
            if (name is not ("content-length" or "transfer-encoding" or "connection" or "keep-alive" or "content-encoding" or "date"))
            {
                http.Response.Headers[name] = value;
            }
        }

        var body = recording.Body ?? System.Text.Encoding.UTF8.GetBytes(string.Concat(recording.Lines!.Select(line => line + "\n\n")));
        await http.Response.Body.WriteAsync(body);
        if (recording.IsCut)
        {
            await http.Response.Body.FlushAsync();
            http.Abort();
        }
    }

    private static void ShowsNothing(string name, Recording recording, Result<LlmAnswer> result)
    {
        if (result.TryGet(out var answer, out var failure))
        {
            var members = answer.Response.EnumerateObject().Select(member => member.Name);
            Assert.Empty(members.Except(["id", "object", "created", "model", "choices", "usage"]));
            Assert.Equal("ResumeAgent", answer.Response.GetProperty("model").GetString());
            return;
        }

        var shown = JsonSerializer.Serialize(failure);
        Assert.False(NeverShown().IsMatch(shown), $"{name} shows {shown}");
        var upstream = recording.Body is { } body ? GatewayError.Read(body).Message : "";
        if (failure.Code != "llm.request_rejected" && upstream.Length >= 24)
        {
            Assert.DoesNotContain(upstream[..24], shown, StringComparison.OrdinalIgnoreCase);
        }
    }

    // Models and providers of the recordings, our stub's models, keys, hashes, addresses, and LiteLLM itself.
    [GeneratedRegex(@"litellm|openai|anthropic|gpt-|claude|secret-model|other-model|model group '|sk-|https?:|provider\.test|\$MASTER_KEY|\$KEY|Traceback|[0-9a-f]{24}", RegexOptions.IgnoreCase)]
    private static partial Regex NeverShown();
}
