using System.Text;
using System.Text.Json;
using SaasLlm.Core.Idempotency;
using SaasLlm.Core.Webhooks;
using SaasLlm.Tests.Infrastructure;
using SaasLlm.Tests.Sdks;

namespace SaasLlm.Tests.Webhooks;

/// <summary>Receivers verify what arrives, by the specification's own library and by what the documentation tells them.</summary>
public sealed class VerificationTests(AppFixture app)
{
    private static readonly string s_page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "webhooks.md"));

    [Fact]
    public async Task The_specifications_library_accepts_what_arrives_and_nothing_else()
    {
        var (old, current, received) = await DeliverRotatedAsync();
        var cases = new[]
        {
            (current, received.Headers, received.Body),
            (old, received.Headers, received.Body),
            ("whsec_" + Convert.ToBase64String(new byte[32]), received.Headers, received.Body),
            (current, received.Headers, received.Body.Replace("1.50", "9.50", StringComparison.Ordinal)),
        };

        var lines = await RunAsync(JsonSerializer.Serialize(cases.Select(one => new { secret = one.Item1, headers = one.Item2, body = one.Item3 })));

        Assert.Equal(["job.completed", "job.completed", "refused: No matching signature found", "refused: No matching signature found"], lines);
    }

    [Fact]
    public async Task What_the_documentation_gives_receivers_in_csharp_does_the_same()
    {
        var (old, current, received) = await DeliverRotatedAsync();
        var sent = DateTimeOffset.FromUnixTimeSeconds(long.Parse(received.Headers["webhook-timestamp"], System.Globalization.CultureInfo.InvariantCulture));

        Assert.Equal(
            [true, true, false, false, false],
            [
                IsGenuine(current, received.Body, sent), IsGenuine(old, received.Body, sent.AddSeconds(300)),
                IsGenuine("whsec_" + Convert.ToBase64String(new byte[32]), received.Body, sent),
                IsGenuine(current, received.Body + " ", sent), IsGenuine(current, received.Body, sent.AddSeconds(301)),
            ]);

        bool IsGenuine(string secret, string body, DateTimeOffset now) => WebhookVerifier.IsGenuine(
            secret, received.Headers["webhook-id"], received.Headers["webhook-timestamp"], received.Headers["webhook-signature"], Encoding.UTF8.GetBytes(body), now);
    }

    [Fact]
    public void The_documentation_shows_that_code()
    {
        var source = File.ReadAllText(Path.Combine(Repository.Root, "SaasLlm.Tests", "Webhooks", "WebhookVerifier.cs")).ReplaceLineEndings("\n");
        var code = source[source.IndexOf("public static class", StringComparison.Ordinal)..].TrimEnd();

        Assert.Contains(code, s_page.ReplaceLineEndings("\n"), StringComparison.Ordinal);
    }

    [Fact]
    public void The_documentation_lists_the_events_there_are()
    {
        var rows = s_page.Split('\n').Select(line => line.Trim()).SkipWhile(line => !line.StartsWith("| event |", StringComparison.Ordinal)).Skip(2)
            .TakeWhile(line => line.StartsWith('|')).Select(line => line.Split('|', StringSplitOptions.TrimEntries));

        Assert.Equal(
            WebhookEvents.All.Select(known => (known.Name, known.Meaning, known.ByName ? "by name" : "")),
            rows.Select(cells => (cells[1].Trim('`'), cells[2], cells[3])));
    }

    private static async Task<string[]> RunAsync(string cases)
    {
        var folder = Directory.CreateDirectory(Path.Combine(await NodeModules.FolderAsync(), $"run-{Guid.NewGuid():N}")).FullName;
        try
        {
            File.Copy(Path.Combine(NodeModules.Scripts, "webhooks.mjs"), Path.Combine(folder, "webhooks.mjs"));
            await File.WriteAllTextAsync(Path.Combine(folder, "cases.json"), cases);
            return (await Programs.RunAsync("node", ["webhooks.mjs", "cases.json"], folder, TimeSpan.FromMinutes(3)))
                .Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // Delivered while its secret is being replaced: both sign.
    private async Task<(string Old, string Current, Received Received)> DeliverRotatedAsync()
    {
        await using var bench = await WebhookBench.CreateAsync(app);
        var runner = bench.CreateRunner();
        var old = await runner.RegisterAsync(bench.Receiver.Url + "/hook");
        var current = await runner.Webhooks.RotateSecretAsync(
            old.Endpoint.EndpointId, "team", TimeSpan.FromHours(1), IdempotentWork.Once(TimeProvider.System), CancellationToken.None);
        await bench.RaiseAsync();
        await runner.RelayAndDeliverAsync();
        return (old.Secret, current.Value.Secret, Assert.Single(bench.Receiver.Heard));
    }
}
