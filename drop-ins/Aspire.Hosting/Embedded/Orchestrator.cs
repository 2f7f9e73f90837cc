using System.Diagnostics;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.Embedded;

/// <summary>Starts every resource when what it waits for is there, and stops them all in the opposite order.</summary>
internal sealed class Orchestrator(
    DistributedApplicationModel model,
    DistributedApplicationExecutionContext execution,
    ResourceNotificationService notifications,
    IDistributedApplicationEventing eventing,
    EmbeddedOptions options,
    EmbeddedConsole console,
    Dashboard dashboard,
    IHostEnvironment environment,
    IHostApplicationLifetime lifetime,
    IServiceProvider services) : IAsyncDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<ResourceRunner> _runners = [];
    private readonly SemaphoreSlim _once = new(1, 1);
    private Task _report = Task.CompletedTask;
    private bool _locked;
    private bool _stopped;

    public async Task StartAsync(CancellationToken cancellation)
    {
        var began = Stopwatch.GetTimestamp();
        if (execution.IsPublishMode)
        {
            throw new DistributedApplicationException("publishing needs the Aspire packages: build on a machine with the stack 'Aspire' (SaasLlmStack=Aspire).");
        }

        options.Folder.Lock();
        _locked = true;
        await Ports.AllocateAsync(model.Resources, options, cancellation);
        if (options.Fresh)
        {
            // Last: a start that cannot succeed must not have wiped anything.
            options.Folder.Wipe();
        }

        dashboard.Start(_stopping.Token);
        var run = new RunContext(options, execution, console, dashboard, environment.EnvironmentName);
        foreach (var resource in model.Resources)
        {
            if (resource.Annotations.OfType<LauncherAnnotation>().SingleOrDefault() is { } annotation)
            {
                var verb = model.Resources.SelectMany(other => other.Annotations.OfType<WaitAnnotation>())
                    .Any(wait => wait.Resource == resource && wait.WaitType == WaitType.WaitForCompletion);
                _runners.Add(new ResourceRunner(resource, annotation.Launcher, run, notifications, endsByItself: verb));
            }
        }

        foreach (var runner in _runners)
        {
            runner.Start(_stopping.Token);
        }

        ParentWatch.Start(lifetime, _stopping.Token);
        await eventing.PublishAsync(new AfterResourcesCreatedEvent(services, model), cancellation);
        _report = ReportAsync(began);
    }

    public async Task StopAsync()
    {
        await _once.WaitAsync();
        try
        {
            if (_stopped || !_locked)
            {
                return;
            }

            _stopped = true;
            await _stopping.CancelAsync();
            await _report.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            // Who needs a store stops before it.
            foreach (var level in Levels().Reverse())
            {
                await Task.WhenAll(level.Select(runner => runner.StopAsync()));
            }

            await dashboard.DisposeAsync();
            console.Dispose();
            options.Folder.Dispose();
        }
        finally
        {
            _once.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stopping.Dispose();
        _once.Dispose();
    }

    private async Task ReportAsync(long began)
    {
        var settled = new List<ResourceEvent>();
        foreach (var runner in _runners)
        {
            settled.Add(await notifications.WaitForResourceAsync(
                runner.Resource.Name,
                now => now.Snapshot.Healthy || now.Snapshot.Failed || now.Snapshot.ExitCode is not null,
                _stopping.Token));
        }

        console.Table(settled, dashboard.Url, dashboard.IsRunning, Stopwatch.GetElapsedTime(began));
        foreach (var ready in settled.Where(reached => reached.Snapshot.Healthy))
        {
            await eventing.PublishAsync(new ResourceReadyEvent(ready.Resource, services), _stopping.Token);
        }

        // A test hears of it from what it waits for.
        foreach (var failed in settled.Where(reached => reached.Snapshot.Failed && !options.Testing))
        {
            console.Failure($"{failed.Resource.Name}: {failed.Snapshot.Reason}");
        }
    }

    private IEnumerable<List<ResourceRunner>> Levels()
    {
        var left = _runners.ToList();
        while (left.Count > 0)
        {
            var level = left.Where(runner => !runner.DependsOnAny(left)).ToList();
            level = level.Count > 0 ? level : left;
            left = [.. left.Except(level)];
            yield return level;
        }
    }
}
