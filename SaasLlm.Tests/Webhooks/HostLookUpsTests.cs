using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using SaasLlm.Core.Webhooks.Delivery;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.Webhooks;

/// <summary>Names whose servers do not answer are their owners' trouble alone.</summary>
public sealed class HostLookUpsTests(AppFixture app)
{
    private static readonly TimeSpan s_soon = HostLookUps.HangsAfter + TimeSpan.FromSeconds(8);

    [Fact]
    public async Task Few_run_at_a_time_and_those_that_hang_hold_no_place()
    {
        var names = new Names();
        var lookUps = new HostLookUps(names, TimeProvider.System);
        using var gone = new CancellationTokenSource();
        var hanging = Enumerable.Range(0, HostLookUps.PlacesMax).Select(number => lookUps.ResolveAsync($"hangs{number}", gone.Token)).ToArray();
        await names.AskedAsync(HostLookUps.PlacesMax);

        var clock = Stopwatch.StartNew();
        var quick = lookUps.ResolveAsync("quick", default);
        Assert.False(quick.IsCompleted);
        Assert.Equal(HostLookUps.PlacesMax, names.Asked.Count);

        Assert.Equal([IPAddress.Loopback], await quick.WaitAsync(s_soon));
        Assert.InRange(clock.Elapsed, HostLookUps.HangsAfter / 2, s_soon);
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
        var lookUps = new HostLookUps(names, TimeProvider.System);
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
        var lookUps = new HostLookUps(names, TimeProvider.System);
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
        var runner = bench.CreateRunner(names, ("Timeout", "00:00:10"));
        var hangs = await runner.RegisterAsync($"http://hangs.example:{bench.Receiver.Port}/");
        var quick = await runner.RegisterAsync($"http://quick.example:{bench.Receiver.Port}/");
        await bench.RaiseAsync();
        await runner.RelayAndDeliverAsync();
        Assert.Equal(["delivered 1 200 -"], await bench.DeliveriesAsync(quick));
        Assert.Equal(["pending 1 - timeout"], await bench.DeliveriesAsync(hangs));

        // It hangs still: the next try does not wait for it.
        await bench.ShiftAsync(TimeSpan.FromSeconds(10));
        await runner.DeliverAsync();

        Assert.Equal(["pending 2 - timeout"], await bench.DeliveriesAsync(hangs));
        Assert.InRange(await bench.ScalarAsync<int>("SELECT latency_ms FROM webhook_attempts WHERE attempt_number = 2"), 0, 2000);
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

        public async Task AskedAsync(int count)
        {
            var clock = Stopwatch.StartNew();
            while (Asked.Count < count)
            {
                Assert.True(clock.Elapsed < TimeSpan.FromSeconds(20), $"only {Asked.Count} were asked for");
                await Task.Delay(5);
            }
        }
    }
}
