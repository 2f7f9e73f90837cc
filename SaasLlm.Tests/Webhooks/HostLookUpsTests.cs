using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using SaasLlm.Core.Webhooks.Delivery;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.Webhooks;

/// <summary>Names whose servers do not answer are their owners' trouble alone.</summary>
public sealed class HostLookUpsTests(AppFixture app)
{
    private readonly HandMovedTime _time = new();

    [Fact]
    public async Task Few_run_at_a_time_and_those_that_hang_hold_no_place()
    {
        var names = new Names();
        var lookUps = new HostLookUps(names, _time);
        using var gone = new CancellationTokenSource();
        var hanging = Enumerable.Range(0, HostLookUps.PlacesMax).Select(number => lookUps.ResolveAsync($"hangs{number}", gone.Token)).ToArray();
        await names.AskedAsync(HostLookUps.PlacesMax);

        var quick = lookUps.ResolveAsync("quick", default);
        _time.Move(HostLookUps.HangsAfter - TimeSpan.FromMilliseconds(1));
        Assert.False(quick.IsCompleted);
        Assert.Equal(HostLookUps.PlacesMax, names.Asked.Count);

        await _time.MoveUntilAsync(quick, TimeSpan.FromSeconds(1));
        Assert.Equal([IPAddress.Loopback], await quick);
        await Assert.ThrowsAsync<TimeoutException>(() => lookUps.ResolveAsync("HANGS3", default).WaitAsync(TimeSpan.FromMinutes(1)));
        Assert.Equal(HostLookUps.PlacesMax + 1, names.Asked.Count);
        // Those that were there before wait on; once there is an answer it is asked for anew.
        names.Release.SetResult();
        Assert.All(await Task.WhenAll(hanging), found => Assert.Equal([IPAddress.Loopback], found));
        Assert.Equal([IPAddress.Loopback], await lookUps.ResolveAsync("hangs3", default));
    }

    [Fact]
    public async Task Who_asks_for_the_same_name_waits_for_the_same_look_up()
    {
        var names = new Names();
        var lookUps = new HostLookUps(names, _time);
        using var leaves = new CancellationTokenSource();
        var first = lookUps.ResolveAsync("hangs", leaves.Token);
        var others = Enumerable.Range(0, 40).Select(_ => lookUps.ResolveAsync("hangs", default)).ToArray();

        await leaves.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        names.Release.SetException(new SocketException((int)SocketError.HostNotFound));

        foreach (var other in others)
        {
            await Assert.ThrowsAsync<SocketException>(() => other);
        }

        Assert.Single(names.Asked);
    }

    [Fact]
    public async Task Who_waits_for_a_place_waits_no_longer_than_it_may()
    {
        var names = new Names();
        var lookUps = new HostLookUps(names, _time);
        var hanging = Enumerable.Range(0, HostLookUps.PlacesMax).Select(number => lookUps.ResolveAsync($"hangs{number}", default)).ToArray();
        using var limit = new CancellationTokenSource(TimeSpan.FromMilliseconds(50));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => lookUps.ResolveAsync("quick", limit.Token));

        Assert.DoesNotContain("quick", names.Asked);
        names.Release.SetResult();
        await Task.WhenAll(hanging);
    }

    [Fact]
    public async Task A_name_that_hangs_is_a_timeout_and_delays_nobody_else()
    {
        var names = new Names();
        await using var bench = await WebhookBench.CreateAsync(app);
        await bench.StopClockAsync();
        var runner = bench.CreateRunner(_time, names);
        var hangs = await runner.RegisterAsync($"http://hangs.example:{bench.Receiver.Port}/");
        var quick = await runner.RegisterAsync($"http://quick.example:{bench.Receiver.Port}/");
        await bench.RaiseAsync();
        var delivering = runner.RelayAndDeliverAsync();
        await Eventually.IsSoAsync(async () => await bench.DeliveriesAsync(quick) is ["delivered 1 200 -"], () => "The quick one was delayed");
        await _time.MoveUntilAsync(delivering, TimeSpan.FromSeconds(1));
        Assert.Equal(["pending 1 - timeout"], await bench.DeliveriesAsync(hangs));

        // It hangs still: the next try does not wait for it, though time stands.
        await bench.ShiftAsync(TimeSpan.FromSeconds(10));
        await runner.DeliverAsync();

        Assert.Equal(["pending 2 - timeout"], await bench.DeliveriesAsync(hangs));
        Assert.Equal(0, await bench.ScalarAsync<int>("SELECT latency_ms FROM webhook_attempts WHERE attempt_number = 2"));
        Assert.Single(names.Asked, "hangs.example");
        names.Release.SetResult();
    }

    /// <summary>Answers at once, but of names that hang only when it is released.</summary>
    private sealed class Names : IHostResolver
    {
        public ConcurrentQueue<string> Asked { get; } = [];

        public TaskCompletionSource Release { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public async Task<IPAddress[]> ResolveAsync(string host, CancellationToken cancellation)
        {
            Asked.Enqueue(host);
            if (host.StartsWith("hangs", StringComparison.Ordinal))
            {
                await Release.Task.WaitAsync(cancellation);
            }

            return [IPAddress.Loopback];
        }

        public Task AskedAsync(int count) => Eventually.IsSoAsync(() => Asked.Count >= count, () => $"Only {Asked.Count} were asked for");
    }
}
