using System.Text;
using SaasLlm.Core.Webhooks;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.Webhooks;

/// <summary>A JobRunner as it is deployed, on a machine that trusts one authority.</summary>
public sealed class TlsTests(AppFixture app) : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("saasllm-tls-").FullName;
    private readonly Authority _trusted = new("Trusted");
    private WebhookBench _bench = null!;
    private Runner _runner = null!;

    public async ValueTask InitializeAsync()
    {
        _bench = await WebhookBench.CreateAsync(app);
        _runner = _bench.CreateRunner();
        await File.WriteAllTextAsync(Path.Combine(_folder, "authorities.pem"), _trusted.Pem);
    }

    public async ValueTask DisposeAsync()
    {
        await _bench.DisposeAsync();
        _trusted.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Only_a_receiver_that_proves_its_name_hears_anything()
    {
        using var stranger = new Authority("Stranger");
        await using var genuine = await Receiver.StartAsync(_trusted.Issue("localhost"));
        await using var namesake = await Receiver.StartAsync(_trusted.Issue("example.com"));
        await using var expired = await Receiver.StartAsync(_trusted.Issue("localhost", TimeSpan.FromHours(23)));
        await using var unknown = await Receiver.StartAsync(stranger.Issue("localhost"));
        var good = await RegisterAsync("localhost", genuine.Port);
        // It is the same server; its certificate does not name the address.
        var byAddress = await RegisterAsync("127.0.0.1", genuine.Port);
        var refused = await Task.WhenAll(new[] { namesake, expired, unknown }.Select(receiver => RegisterAsync("localhost", receiver.Port)));

        await DeliverAsync();

        Assert.Equal("delivered 200 -", await OutcomeAsync(good));
        Assert.Equal(Enumerable.Repeat("pending - tls_failed", 4), await Task.WhenAll(refused.Append(byAddress).Select(OutcomeAsync)));
        var received = Assert.Single(genuine.Heard);
        Assert.True(WebhookVerifier.IsGenuine(
            good.Secret, received.Headers["webhook-id"], received.Headers["webhook-timestamp"], received.Headers["webhook-signature"],
            Encoding.UTF8.GetBytes(received.Body), DateTimeOffset.UtcNow));
        Assert.All([namesake, expired, unknown], receiver => Assert.Empty(receiver.Heard));
        // An address is no name that a server could be asked for.
        Assert.Equal(["", "localhost"], genuine.NamesAsked.Distinct().Order(StringComparer.Ordinal));
        Assert.All([namesake, expired, unknown], receiver => Assert.Equal("localhost", Assert.Single(receiver.NamesAsked.Distinct())));
    }

    [Fact]
    public async Task Nothing_older_than_tls_1_2_is_spoken()
    {
        using var old = new OldTlsServer();
        var endpoint = await RegisterAsync("localhost", old.Port);

        await DeliverAsync();

        Assert.Equal("pending - tls_failed", await OutcomeAsync(endpoint));
        var hello = await old.First.WaitAsync(TimeSpan.FromMinutes(1));
        Assert.Equal("localhost", hello.Host);
        Assert.Equal([0x0304, 0x0303], hello.Versions);
        // A fatal alert: protocol_version.
        Assert.Equal([21, 2, 70], hello.Reply);
    }

    private Task<IssuedWebhook> RegisterAsync(string host, int port) => _runner.RegisterAsync($"https://{host}:{port}/");

    /// <summary>An event, and a runner that lives until it has tried every endpoint.</summary>
    private async Task DeliverAsync()
    {
        await _bench.RaiseAsync();
        await using var process = _bench.StartProcess(new()
        {
            // What the machine trusts otherwise, it does not here.
            ["SSL_CERT_FILE"] = Path.Combine(_folder, "authorities.pem"),
            ["SSL_CERT_DIR"] = _folder,
        });
        var limit = DateTime.UtcNow.AddMinutes(3);
        while (await _bench.ScalarAsync<long>("""
            SELECT (SELECT count(*) FROM webhook_endpoints) - (SELECT count(*) FROM webhook_deliveries WHERE tries > 0)
            """) > 0)
        {
            Assert.True(DateTime.UtcNow < limit, "the runner does not try them all");
            await Task.Delay(50);
        }
    }

    /// <summary>State, status and error; a runner may have tried again what failed.</summary>
    private async Task<string> OutcomeAsync(IssuedWebhook endpoint)
    {
        var parts = Assert.Single(await _bench.DeliveriesAsync(endpoint)).Split(' ');
        return $"{parts[0]} {parts[2]} {parts[3]}";
    }
}
