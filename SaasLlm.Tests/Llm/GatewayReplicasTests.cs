using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using SaasLlm.Core.Llm.Answers;
using SaasLlm.Core.Llm.Gateway;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.Llm;

/// <summary>Several addresses of one gateway: requests are spread, an address that is not there costs nobody anything, nothing is bought twice.</summary>
public sealed class GatewayReplicasTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_request_goes_to_the_address_with_the_fewest_under_way()
    {
        await using var busy = await StubGateway.StartAsync();
        await using var idle = await StubGateway.StartAsync();
        var (arrived, gate) = (new TaskCompletionSource(), new TaskCompletionSource());
        busy.Answer = async (http, _) =>
        {
            arrived.SetResult();
            await gate.Task;
            await StubGateway.Json(http, 200, StubGateway.Completion());
        };
        var (client, _) = Client(busy.BaseUrl, idle.BaseUrl);

        var waiting = client(s_limit);
        await arrived.Task;
        for (var call = 0; call < 4; call++)
        {
            Assert.Equal(200, (await client(s_limit)).Status);
        }

        Assert.Equal((1, 4), (busy.Requests.Count, idle.Requests.Count));
        gate.SetResult();
        Assert.Equal(200, (await waiting).Status);
    }

    // Its headers are there long before its end.
    [Fact]
    public async Task A_stream_counts_until_it_is_read_or_left()
    {
        await using var one = await StubGateway.StartAsync();
        await using var two = await StubGateway.StartAsync();
        var (_, http) = Client(one.BaseUrl, two.BaseUrl);
        using (await SendAsync(http, one))
        {
            (await SendAsync(http, one)).Dispose();
            (await SendAsync(http, one)).Dispose();
            Assert.Equal((1, 2), (one.Requests.Count, two.Requests.Count));
        }

        (await SendAsync(http, one)).Dispose();
        (await SendAsync(http, one)).Dispose();
        Assert.Equal((2, 3), (one.Requests.Count, two.Requests.Count));
    }

    [Fact]
    public async Task An_address_that_is_not_there_rests_and_is_tried_again_later()
    {
        var time = new HandMovedTime();
        await using var there = await StubGateway.StartAsync();
        using var gone = Taken();
        var replicas = Replicas(TimeSpan.FromMilliseconds(300), time, UrlOf(gone), there.BaseUrl);
        var (client, _) = Client(replicas);

        for (var call = 0; call < 6; call++)
        {
            Assert.Equal(200, (await client(s_limit)).Status);
        }

        Assert.Equal((6, 1), (there.Requests.Count, replicas.Replicas.Resting));
        gone.Listen();
        time.Move(TimeSpan.FromMilliseconds(300));
        var accepted = gone.AcceptAsync();
        Task[] asked = [client(s_limit), client(s_limit)];
        (await accepted.WaitAsync(s_limit)).Dispose();
        Assert.Equal(0, replicas.Replicas.Resting);
        await Task.WhenAll(asked);
    }

    [Fact]
    public async Task What_an_address_answers_is_never_repeated_at_another()
    {
        await using var one = await StubGateway.StartAsync();
        await using var two = await StubGateway.StartAsync();
        one.Answer = (http, _) => StubGateway.Json(http, 503, StubGateway.Error("busy"));
        two.Answer = (http, _) =>
        {
            http.Abort();
            return Task.CompletedTask;
        };
        var (client, _) = Client(one.BaseUrl, two.BaseUrl);

        Assert.Equal(503, (await client(s_limit)).Status);
        Assert.Equal(TransportFault.Cut, (await client(s_limit)).Fault);
        Assert.Equal((1, 1), (one.Requests.Count, two.Requests.Count));
    }

    [Fact]
    public async Task Where_no_address_is_there_the_caller_is_told()
    {
        using var one = Taken();
        using var two = Taken();
        var (client, _) = Client(UrlOf(one), UrlOf(two));

        Assert.Equal(TransportFault.NotConnected, (await client(s_limit)).Fault);
    }

    // Packets to a machine that is gone are dropped: .NET reports its limit for connecting as a cancellation.
    [Fact]
    public async Task An_address_whose_machine_is_gone_rests_and_the_request_goes_on()
    {
        await using var there = await StubGateway.StartAsync();
        var gateway = Replicas(TimeSpan.FromMinutes(1), TimeProvider.System, "http://127.0.0.1:9", there.BaseUrl);
        var hung = 0;
        using var connects = new SocketsHttpHandler
        {
            // The other machine must be reached within it, however busy this one is.
            ConnectTimeout = TimeSpan.FromSeconds(5),
            ConnectCallback = async (context, cancellation) =>
            {
                if (context.DnsEndPoint.Port == 9)
                {
                    Interlocked.Increment(ref hung);
                    await Task.Delay(Timeout.Infinite, cancellation);
                }

                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(context.DnsEndPoint, cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        var (client, _) = Client(gateway, connects);

        for (var call = 0; call < 4; call++)
        {
            Assert.Equal(200, (await client(s_limit)).Status);
        }

        Assert.Equal((1, 4, 1), (hung, there.Requests.Count, gateway.Replicas.Resting));
    }

    // Only a limit for connecting proves that nothing was sent.
    [Fact]
    public async Task A_request_that_was_cancelled_otherwise_is_not_repeated()
    {
        var gateway = Replicas(TimeSpan.FromMinutes(1), TimeProvider.System, "http://127.0.0.1:9", "http://127.0.0.1:10");
        using var cancels = new ThrowingHandler(() => new OperationCanceledException("disposed of"));
        var (client, _) = Client(gateway, cancels);

        Assert.Equal(TransportFault.Cut, (await client(s_limit)).Fault);
        Assert.Equal((1, 0), (cancels.Asked.Count, gateway.Replicas.Resting));
    }

    [Fact]
    public async Task Where_every_machine_is_gone_each_is_asked_once()
    {
        var gateway = Replicas(TimeSpan.FromMinutes(1), TimeProvider.System, "http://127.0.0.1:9", "http://127.0.0.1:10");
        using var hangs = new ThrowingHandler(() => new TaskCanceledException("connect", new TimeoutException()));
        var (client, _) = Client(gateway, hangs);

        Assert.Equal(TransportFault.NotConnected, (await client(s_limit)).Fault);
        Assert.Equal([9, 10], hangs.Asked);
        Assert.Equal(2, gateway.Replicas.Resting);
    }

    // One that refuses at once has nothing under way, ever.
    [Fact]
    public async Task An_address_that_lost_its_database_does_not_draw_the_requests()
    {
        await using var bad = await StubGateway.StartAsync();
        await using var good = await StubGateway.StartAsync();
        bad.Answer = (http, _) => StubGateway.Json(http, 503, StubGateway.Error("No connected db.", "no_db_connection"));
        good.Answer = async (http, _) =>
        {
            await Task.Delay(20);
            await StubGateway.Json(http, 200, StubGateway.Completion());
        };
        var gateway = Replicas(TimeSpan.FromMinutes(1), TimeProvider.System, bad.BaseUrl, good.BaseUrl);
        var (client, _) = Client(gateway);

        await Parallel.ForEachAsync(Enumerable.Range(0, 100), new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (_, _) => await client(s_limit));

        // What the first eight brought it, and nothing after that; nothing was repeated.
        Assert.InRange(bad.Requests.Count, 1, 8);
        Assert.Equal(100, bad.Requests.Count + good.Requests.Count);
        Assert.Equal(1, gateway.Replicas.Resting);
    }

    [Fact]
    public async Task After_its_rest_an_address_gets_one_request_at_a_time_until_it_answers_one()
    {
        await using var back = await StubGateway.StartAsync();
        await using var other = await StubGateway.StartAsync();
        var gate = new TaskCompletionSource();
        back.Answer = (http, _) => StubGateway.Json(http, 503, StubGateway.Error("No connected db.", "no_db_connection"));
        var time = new HandMovedTime();
        var gateway = Replicas(TimeSpan.FromSeconds(5), time, back.BaseUrl, other.BaseUrl);
        var (client, _) = Client(gateway);
        Assert.Equal(503, (await client(s_limit)).Status);
        Assert.Equal(200, (await client(s_limit)).Status);
        time.Move(TimeSpan.FromSeconds(6));

        back.Answer = async (http, _) =>
        {
            await gate.Task;
            await StubGateway.Json(http, 200, StubGateway.Completion());
        };
        other.Answer = back.Answer;
        var waiting = Enumerable.Range(0, 8).Select(_ => client(s_limit)).ToList();
        gate.SetResult();
        Assert.All(await Task.WhenAll(waiting), answer => Assert.Equal(200, answer.Status));
        Assert.Equal((2, 8), (back.Requests.Count, other.Requests.Count));

        // All at once: one that is answered early makes its address the less busy one.
        gate = new TaskCompletionSource();
        waiting = Enumerable.Range(0, 8).Select(_ => client(s_limit)).ToList();
        gate.SetResult();
        await Task.WhenAll(waiting);
        Assert.Equal((6, 12), (back.Requests.Count, other.Requests.Count));
    }

    [Fact]
    public void Addresses_that_are_all_being_tried_share_the_requests()
    {
        var time = new HandMovedTime();
        var (replicas, _) = Replicas(TimeSpan.FromSeconds(5), time, "http://127.0.0.1:9", "http://127.0.0.1:10");
        foreach (var turn in new[] { replicas.Take(), replicas.Take() })
        {
            turn.Fail();
            turn.Dispose();
            time.Move(TimeSpan.FromSeconds(1));
        }

        time.Move(TimeSpan.FromSeconds(6));

        Assert.Equal([5, 5], Enumerable.Range(0, 10).Select(_ => replicas.Take()).GroupBy(turn => turn.Root).Select(turns => turns.Count()));
    }

    private static (Func<TimeSpan, Task<GatewayAnswer>> Complete, HttpClient Http) Client(params string[] addresses)
        => Client(Replicas(TimeSpan.FromMinutes(1), TimeProvider.System, addresses));

    private static (Func<TimeSpan, Task<GatewayAnswer>> Complete, HttpClient Http) Client(
        (GatewayReplicas Replicas, IOptions<GatewayOptions> Options) gateway, HttpMessageHandler? inner = null)
    {
        var http = new HttpClient(new SpreadHandler(gateway.Replicas, gateway.Options) { InnerHandler = inner ?? new SocketsHttpHandler() });
        var client = new CompletionClient(http, gateway.Options, TimeProvider.System);
        var to = new GatewayTarget(null, gateway.Options.Value.Root, "", IsLiteLlm: true);
        return (timeout => client.CompleteAsync(to, "v1/chat/completions", "{}"u8.ToArray(), timeout), http);
    }

    private static (GatewayReplicas Replicas, IOptions<GatewayOptions> Options) Replicas(TimeSpan rest, TimeProvider time, params string[] addresses)
    {
        var options = new GatewayOptions { BaseUrl = addresses[0], ReplicaRest = rest };
        foreach (var address in addresses.Skip(1))
        {
            options.Replicas.Add(address + "/v1");
        }

        return (new(Options.Create(options), time, NullLogger<GatewayReplicas>.Instance), Options.Create(options));
    }

    private static Task<HttpResponseMessage> SendAsync(HttpClient http, StubGateway first)
        => http.SendAsync(new(HttpMethod.Post, first.BaseUrl + "/v1/chat/completions"), HttpCompletionOption.ResponseHeadersRead);

    // A port of its own at which nobody listens: connections are refused, and no other program can take it.
    private static Socket Taken()
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return socket;
    }

    private static string UrlOf(Socket socket) => $"http://127.0.0.1:{((IPEndPoint)socket.LocalEndPoint!).Port}";

    private sealed class ThrowingHandler(Func<Exception> fault) : HttpMessageHandler
    {
        public List<int> Asked { get; } = [];

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Asked.Add(request.RequestUri!.Port);
            throw fault();
        }
    }
}
