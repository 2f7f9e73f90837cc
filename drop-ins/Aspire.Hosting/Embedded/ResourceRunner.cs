using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Embedded;

/// <summary>One resource: waits, starts, watches, starts again, stops.</summary>
internal sealed class ResourceRunner(
    IResource resource, Launcher launcher, RunContext run, ResourceNotificationService notifications, bool endsByItself)
{
    private const int TriesBeforeItWasHealthy = 3;
    private static readonly TimeSpan s_probePause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_longestBackoff = TimeSpan.FromSeconds(30);

    private Task _work = Task.CompletedTask;
    private volatile GuardedProcess? _process;
    private bool _wasHealthy;

    public IResource Resource { get; } = resource;

    public void Start(CancellationToken stopping) => _work = Task.Run(() => WorkAsync(stopping), CancellationToken.None);

    public bool DependsOnAny(IEnumerable<ResourceRunner> others)
        => others.Any(other => other != this && Needs().Contains(other.Resource));

    public async Task StopAsync()
    {
        if (_process is { } process)
        {
            await process.StopAsync();
        }

        await _work;
    }

    private IEnumerable<IResource> Needs()
        => Resource.Annotations.OfType<WaitAnnotation>().Select(wait => wait.Resource)
            .Concat(Resource is IResourceWithParent { Parent: { } parent } ? [parent] : []);

    private async Task WorkAsync(CancellationToken stopping)
    {
        try
        {
            Publish(new() { State = KnownResourceStates.Waiting });
            await WaitForOthersAsync(stopping);
            Publish(new() { State = KnownResourceStates.Starting });
            var plan = await launcher.PrepareAsync(Resource, run, stopping);
            if (plan is null)
            {
                Publish(new() { State = KnownResourceStates.Running, Healthy = true });
                return;
            }

            await RunAsync(plan, stopping);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // Stopped before it was up.
        }
        catch (Exception exception)
        {
            Publish(new() { State = KnownResourceStates.FailedToStart, Reason = exception.Message });
        }
    }

    private async Task WaitForOthersAsync(CancellationToken stopping)
    {
        foreach (var wait in Resource.Annotations.OfType<WaitAnnotation>())
        {
            var reached = await notifications.WaitForResourceAsync(wait.Resource.Name, now => now.Snapshot.Failed || Satisfies(wait, now.Snapshot), stopping);
            if (reached.Snapshot.Failed)
            {
                throw new DistributedApplicationException($"it waits for {wait.Resource.Name}, which failed.");
            }

            if (wait.WaitType == WaitType.WaitForCompletion && reached.Snapshot.ExitCode != wait.ExitCode)
            {
                throw new DistributedApplicationException($"it waits for {wait.Resource.Name}, which ended with exit code {reached.Snapshot.ExitCode}.");
            }
        }
    }

    private static bool Satisfies(WaitAnnotation wait, CustomResourceSnapshot now) => wait.WaitType switch
    {
        WaitType.WaitForCompletion => now.ExitCode is not null,
        WaitType.WaitUntilStarted => now.State?.Text == KnownResourceStates.Running,
        _ => now.Healthy,
    };

    private async Task RunAsync(LaunchPlan plan, CancellationToken stopping)
    {
        var backoff = TimeSpan.FromSeconds(1);
        for (var tries = 1; ; tries++)
        {
            using var process = GuardedProcess.Start(plan, line => run.Console.Line(Resource.Name, line));
            _process = process;
            if (stopping.IsCancellationRequested)
            {
                await process.StopAsync();
            }

            Publish(new() { State = KnownResourceStates.Running });
            await Task.WhenAny(ProbeAsync(process, stopping), process.WaitAsync(CancellationToken.None)).Unwrap();
            await process.WaitAsync(CancellationToken.None);
            _process = null;
            if (stopping.IsCancellationRequested)
            {
                return;
            }

            // Who ends in good order meant to; only a crash is started again.
            if (endsByItself || process.ExitCode == 0)
            {
                Ended(process.ExitCode);
                return;
            }

            if (!_wasHealthy && tries >= TriesBeforeItWasHealthy)
            {
                throw new DistributedApplicationException(Explain(process.ExitCode));
            }

            Publish(new() { State = KnownResourceStates.Starting });
            run.Console.Line(Resource.Name, $"ended with exit code {process.ExitCode}; starting it again in {backoff.TotalSeconds:F0} s");
            await Task.Delay(backoff, stopping);
            backoff = backoff * 2 < s_longestBackoff ? backoff * 2 : s_longestBackoff;
        }
    }

    private void Ended(int code) => Publish(code == 0
        ? new() { State = KnownResourceStates.Finished, ExitCode = 0 }
        : new() { State = KnownResourceStates.FailedToStart, ExitCode = code, Reason = Explain(code) });

    private string Explain(int code)
    {
        var tail = run.Console.Tail(Resource.Name);
        var advice = launcher.Advice(tail) is { } text ? Environment.NewLine + text : "";
        return $"it ended with exit code {code}. Its last lines:{Environment.NewLine}{tail}{advice}";
    }

    private async Task ProbeAsync(GuardedProcess process, CancellationToken stopping)
    {
        if (endsByItself)
        {
            await process.WaitAsync(stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return;
        }

        while (!stopping.IsCancellationRequested)
        {
            if (await launcher.ProbeAsync(Resource, run, stopping) is null)
            {
                _wasHealthy = true;
                Publish(new() { State = KnownResourceStates.Running, Healthy = true });
                return;
            }

            await Task.Delay(s_probePause, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private void Publish(CustomResourceSnapshot snapshot) => notifications.Publish(Resource, snapshot);
}
