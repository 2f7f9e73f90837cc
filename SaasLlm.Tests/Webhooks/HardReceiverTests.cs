using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;
using SaasLlm.Core.Webhooks.Delivery;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.Webhooks;

/// <summary>Receivers that are slow, broken, or up to something.</summary>
public sealed class HardReceiverTests(AppFixture app) : IAsyncLifetime
{
    private WebhookBench _bench = null!;

    public async ValueTask InitializeAsync()
    {
        _bench = await WebhookBench.CreateAsync(app);
        await _bench.StopClockAsync();
    }

    public ValueTask DisposeAsync() => _bench.DisposeAsync();

    [Fact]
    public async Task One_that_hangs_delays_nobody_else_and_is_given_up_in_time()
    {
        var time = new HandMovedTime();
        var runner = _bench.CreateRunner(time);
        var release = new TaskCompletionSource();
        _bench.Receiver.Answers["/slow"] = context => release.Task;
        var slow = await runner.RegisterAsync(_bench.Receiver.Url + "/slow");
        var quick = await runner.RegisterAsync(_bench.Receiver.Url + "/quick");
        await _bench.RaiseAsync(count: 40);
        await runner.RelayAsync();

        // While the time of the slow one's tries stands.
        await Eventually.IsSoAsync(
            async () =>
            {
                await runner.Pump.RunPassAsync(default);
                return _bench.Receiver.At("/slow").Length >= 4 && (await _bench.DeliveriesAsync(quick)).All(line => line == "delivered 1 200 -");
            },
            () => $"Only {_bench.Receiver.At("/quick").Length} arrived");

        Assert.Equal((4, 40), (_bench.Receiver.At("/slow").Length, _bench.Receiver.At("/quick").Length));
        await time.MoveUntilAsync(runner.Pump.IdleAsync(), TimeSpan.FromSeconds(1));
        release.SetResult();
        Assert.Equal(
            [.. Enumerable.Repeat("pending 1 - timeout", 4), .. Enumerable.Repeat("pending 0 - -", 36)],
            (await _bench.DeliveriesAsync(slow)).OrderByDescending(line => line, StringComparer.Ordinal));
        // It fails: from now on it gets a single try at a time.
        Assert.Equal(1, await runner.Pump.RunPassAsync(default));
        await runner.Pump.IdleAsync();
    }

    [Fact]
    public async Task One_that_says_200_and_sends_a_gigabyte_is_served_and_left()
    {
        var runner = _bench.CreateRunner();
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var sending = SendGigabyteAsync(listener);
        var endpoint = await runner.RegisterAsync($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/");
        await _bench.RaiseAsync();

        await runner.RelayAndDeliverAsync();

        Assert.Equal(["delivered 1 200 -"], await _bench.DeliveriesAsync(endpoint));
        Assert.Equal(new string('a', 1000), await _bench.ScalarAsync<string>("SELECT response_excerpt FROM webhook_attempts"));
        // What the sockets hold was sent and not read.
        Assert.InRange(await sending.WaitAsync(Eventually.Patience), 0, 64 << 20);
    }

    [Fact]
    public async Task A_200_whose_body_never_ends_has_arrived()
    {
        // The head of the answer has to come within this time.
        var runner = _bench.CreateRunner(settings: ("Timeout", "00:00:05"));
        var release = new TaskCompletionSource();
        _bench.Receiver.Answers["/hook"] = async context =>
        {
            await context.Response.StartAsync();
            await context.Response.Body.FlushAsync();
            await release.Task;
        };
        var endpoint = await runner.RegisterAsync(_bench.Receiver.Url + "/hook");
        await _bench.RaiseAsync();

        await runner.RelayAndDeliverAsync();
        release.SetResult();

        Assert.Equal(["delivered 1 200 -"], await _bench.DeliveriesAsync(endpoint));
    }

    [Theory]
    [InlineData("SSH-2.0-OpenSSH_9.2\r\n", "invalid_response")]
    [InlineData("HTTP/1.1 200 OK\r\nX: ", "invalid_response")]
    [InlineData("HTTP/1.1 999999 Nonsense\r\n\r\n", "invalid_response")]
    [InlineData("", "invalid_response")]
    public async Task What_is_no_http_is_a_failure(string answer, string error)
    {
        var runner = _bench.CreateRunner();
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var serving = ServeAsync(listener, System.Text.Encoding.ASCII.GetBytes(answer));
        var endpoint = await runner.RegisterAsync($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/");
        await _bench.RaiseAsync();

        await runner.RelayAndDeliverAsync();
        await serving;

        Assert.Equal([$"pending 1 - {error}"], await _bench.DeliveriesAsync(endpoint));
    }

    [Fact]
    public async Task Endless_headers_end_at_a_limit()
    {
        var runner = _bench.CreateRunner();
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var header = $"X-Filler: {new string('a', 1000)}\r\n";
        var serving = ServeAsync(listener, System.Text.Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\n" + string.Concat(Enumerable.Repeat(header, 2000)) + "\r\n"));
        var endpoint = await runner.RegisterAsync($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/");
        await _bench.RaiseAsync();

        await runner.RelayAndDeliverAsync();
        await serving;

        Assert.Equal(["pending 1 - invalid_response"], await _bench.DeliveriesAsync(endpoint));
    }

    [Fact]
    public async Task A_receiver_without_tls_is_no_https()
    {
        var runner = _bench.CreateRunner();
        var endpoint = await runner.RegisterAsync($"https://127.0.0.1:{_bench.Receiver.Port}/");
        await _bench.RaiseAsync();

        await runner.RelayAndDeliverAsync();

        Assert.Equal(["pending 1 - tls_failed"], await _bench.DeliveriesAsync(endpoint));
        Assert.Empty(_bench.Receiver.Heard);
    }

    // The first look-up leads to a public address, the next to this machine.
    [Fact]
    public async Task A_name_that_leads_elsewhere_at_its_next_look_up_gains_nothing()
    {
        // 240.0.0.0/4 is allowed here and answers nobody: it stands for the public internet.
        var names = new Names(["240.0.0.1"], ["127.0.0.1"]);
        var runner = _bench.CreateRunner(names, ("AllowedNetworks:0", "240.0.0.0/4"), ("Timeout", "00:00:02"));
        var endpoint = await runner.RegisterAsync($"http://rebound.example:{_bench.Receiver.Port}/");
        await _bench.RaiseAsync();
        await runner.RelayAsync();

        await runner.DeliverAsync();
        // Where nobody answers, the connection is waited for by the next tries as well.
        var tries = 1;
        await Eventually.IsSoAsync(
            async () =>
            {
                await _bench.ShiftAsync(TimeSpan.FromHours(3 * tries++));
                await runner.DeliverAsync();
                return names.Asked.Count >= 2;
            },
            () => "The name was asked for once only");

        Assert.Empty(_bench.Receiver.Heard);
        Assert.Contains("address_refused", await _bench.TextsAsync("SELECT DISTINCT error FROM webhook_attempts"));
        Assert.All(await _bench.DeliveriesAsync(endpoint), line => Assert.StartsWith("pending", line, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::ffff:127.0.0.1")]
    [InlineData("169.254.169.254")]
    [InlineData("10.0.0.1")]
    [InlineData("fd00:ec2::254")]
    [InlineData("64:ff9b::7f00:1")]
    public async Task A_name_of_an_address_that_is_not_public_is_refused_at_the_connection(string address)
    {
        var runner = _bench.CreateRunner(new Names([address]), ("AllowedNetworks:0", "240.0.0.0/4"));
        var endpoint = await runner.RegisterAsync($"http://inside.example:{_bench.Receiver.Port}/");
        await _bench.RaiseAsync();

        await runner.RelayAndDeliverAsync();

        Assert.Equal(["pending 1 - address_refused"], await _bench.DeliveriesAsync(endpoint));
        Assert.Empty(_bench.Receiver.Heard);
    }

    // Of a name's addresses those that are allowed are tried, one after the other, and only those.
    [Fact]
    public async Task Of_several_addresses_the_allowed_ones_are_tried_in_turn()
    {
        using var closed = new TcpListener(IPAddress.Parse("127.0.0.2"), _bench.Receiver.Port);
        var runner = _bench.CreateRunner(new Names(["10.0.0.1", "127.0.0.2", "127.0.0.1"]));
        var endpoint = await runner.RegisterAsync($"http://several.example:{_bench.Receiver.Port}/");
        await _bench.RaiseAsync();

        await runner.RelayAndDeliverAsync();

        Assert.Equal(["delivered 1 200 -"], await _bench.DeliveriesAsync(endpoint));
    }

    [Fact]
    public async Task A_name_that_is_none_is_a_failure()
    {
        var runner = _bench.CreateRunner(new Names());
        var endpoint = await runner.RegisterAsync("http://nowhere.example/");
        await _bench.RaiseAsync();

        await runner.RelayAndDeliverAsync();

        Assert.Equal(["pending 1 - name_not_found"], await _bench.DeliveriesAsync(endpoint));
    }

    /// <summary>The bytes that went out before the other side left.</summary>
    private static async Task<long> SendGigabyteAsync(TcpListener listener)
    {
        using var client = await listener.AcceptTcpClientAsync();
        var stream = client.GetStream();
        var sent = 0L;
        try
        {
            await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n"u8.ToArray());
            var chunk = new byte[64 * 1024];
            Array.Fill(chunk, (byte)'a');
            for (; sent < 1L << 30; sent += chunk.Length)
            {
                await stream.WriteAsync(chunk);
            }
        }
        catch (IOException)
        {
            // It has left.
        }

        return sent;
    }

    private static async Task ServeAsync(TcpListener listener, byte[] answer)
    {
        using var client = await listener.AcceptTcpClientAsync();
        try
        {
            var stream = client.GetStream();
            await stream.ReadExactlyAsync(new byte[16]);
            await stream.WriteAsync(answer);
            client.Client.Shutdown(SocketShutdown.Send);
            while (await stream.ReadAsync(new byte[4096]) > 0)
            {
            }
        }
        catch (IOException)
        {
            // The sender had enough.
        }
    }

    /// <summary>Answers each look-up with the next of these, the last for ever; without any, no name is known.</summary>
    private sealed class Names(params string[][] answers) : IHostResolver
    {
        public ConcurrentQueue<string> Asked { get; } = [];

        public Task<IPAddress[]> ResolveAsync(string host, CancellationToken cancellation)
        {
            Asked.Enqueue(host);
            return answers.Length == 0
                ? Task.FromException<IPAddress[]>(new SocketException((int)SocketError.HostNotFound))
                : Task.FromResult(answers[Math.Min(Asked.Count, answers.Length) - 1].Select(IPAddress.Parse).ToArray());
        }
    }
}
