using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace SaasLlm.Core.Jobs.Background;

/// <summary>Claims steps as far as this runner has places, runs them, and keeps their leases.</summary>
internal sealed partial class StepLoop(
    StepStore store, StepRunner runner, PlansPass plans, StepBell bell, StepTelemetry telemetry, IOptions<BackgroundJobOptions> options, TimeProvider time,
    ILogger<StepLoop> logger) : BackgroundService
{
    private const int LeaseParts = 3;

    private readonly ConcurrentDictionary<Task, ClaimedStep> _running = new();

    // Calls that wait for their model, those of steps that were cancelled or taken back as well.
    private readonly ConcurrentDictionary<ClaimedStep, bool> _calls = new(ReferenceEqualityComparer.Instance);
    private readonly SemaphoreSlim _changed = new(0);
    private readonly CancellationTokenSource _drained = new();
    private Task _leases = Task.CompletedTask;

    /// <summary>Claims what there are places for and starts it; how many steps.</summary>
    public async Task<int> ClaimAsync(CancellationToken cancellation)
    {
        var places = options.Value.StepsMax - _running.Count;
        if (places <= 0)
        {
            return 0;
        }

        var callsHere = _calls.Keys.CountBy(step => step.Id.TeamId).ToList();
        var claimed = await store.ClaimAsync(places, options.Value.TeamStepsMax, options.Value.AllStepsMax, options.Value.Lease, callsHere, cancellation);
        foreach (var step in claimed)
        {
            telemetry.Claimed(step.Waited);
            Start(step);
        }

        return claimed.Count;
    }

    /// <summary>Waits for the steps that run here now.</summary>
    public Task DrainAsync() => Task.WhenAll(_running.Keys);

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        // As long as the host's shutdown allows; what is cut off then is claimed again when its lease has run out.
        await DrainAsync().WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _drained.CancelAsync();
        await _leases;
    }

    public override void Dispose()
    {
        base.Dispose();
        _changed.Dispose();
        _drained.Dispose();
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Steps that still run when the service is to stop are kept as well.
        _leases = LeaseLoopAsync(_drained.Token);
        return ClaimLoopAsync(stoppingToken);
    }

    private void Start(ClaimedStep step)
    {
        _calls.TryAdd(step, true);
        var task = Task.Run(() => runner.RunAsync(step, Called));
        _running.TryAdd(task, step);
        _ = task.ContinueWith(Ended, TaskScheduler.Default);

        // Before its end is saved: a step that still counts for its team counts once.
        void Called() => _calls.TryRemove(step, out _);

        void Ended(Task done)
        {
            Called();
            _running.TryRemove(done, out _);
            _changed.Release();
            plans.Look();
        }
    }

    private async Task ClaimLoopAsync(CancellationToken stoppingToken)
    {
        var bellHeard = await bell.TryListenAsync(Heard) ? Task.CompletedTask : bell.ListenAsync(Heard, stoppingToken);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await ClaimAsync(stoppingToken);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                LogFailed(exception);
            }

            await WaitAsync(stoppingToken);
        }

        await bellHeard;

        void Heard()
        {
            if (!stoppingToken.IsCancellationRequested)
            {
                _changed.Release();
            }
        }
    }

    // Until a step ends, which may free others, until the bell rings, or for a moment. Several ends together are one reason to look.
    private async Task WaitAsync(CancellationToken stoppingToken)
    {
        Task changed = _changed.WaitAsync(options.Value.Poll, stoppingToken);
        await changed.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        while (_changed.Wait(0, CancellationToken.None))
        {
        }
    }

    private async Task LeaseLoopAsync(CancellationToken drained)
    {
        while (!drained.IsCancellationRequested)
        {
            await Task.Delay(options.Value.Lease / LeaseParts, time, drained).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            try
            {
                if (_running.Values.ToList() is { Count: > 0 } steps)
                {
                    await store.RenewAsync(steps, options.Value.Lease, drained);
                }
            }
            catch (Exception exception) when (!drained.IsCancellationRequested)
            {
                LogFailed(exception);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    [LoggerMessage(4205, LogLevel.Error, "Background steps could not be claimed or kept; again in a moment")]
    private partial void LogFailed(Exception exception);
}
