using System.Collections.Concurrent;

namespace Aspire.Hosting.ApplicationModel;

public static class KnownResourceStates
{
    public static readonly string Waiting = nameof(Waiting);
    public static readonly string Starting = nameof(Starting);
    public static readonly string Running = nameof(Running);
    public static readonly string Finished = nameof(Finished);
    public static readonly string Exited = nameof(Exited);
    public static readonly string FailedToStart = nameof(FailedToStart);
}

public sealed record ResourceStateSnapshot(string Text)
{
    public static implicit operator ResourceStateSnapshot(string text) => new(text);
}

public sealed record CustomResourceSnapshot
{
    public ResourceStateSnapshot? State { get; init; }

    public int? ExitCode { get; init; }

    /// <summary>Running, and its probe (if it has one) has answered.</summary>
    internal bool Healthy { get; init; }

    /// <summary>Why it failed or is not there yet.</summary>
    internal string? Reason { get; init; }

    internal bool Failed => State?.Text == KnownResourceStates.FailedToStart;
}

public class ResourceEvent(IResource resource, string resourceId, CustomResourceSnapshot snapshot)
{
    public IResource Resource { get; } = resource;

    public string ResourceId { get; } = resourceId;

    public CustomResourceSnapshot Snapshot { get; } = snapshot;
}

/// <summary>Where each resource stands, and waits for it to stand elsewhere.</summary>
public class ResourceNotificationService
{
    private readonly ConcurrentDictionary<string, ResourceEvent> _current = new(StringComparer.OrdinalIgnoreCase);
    private volatile TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task WaitForResourceAsync(string resourceName, string? targetState = null, CancellationToken cancellationToken = default)
        => WaitForResourceAsync(resourceName, now => now.Snapshot.State?.Text == (targetState ?? KnownResourceStates.Running), cancellationToken);

    public async Task<ResourceEvent> WaitForResourceAsync(
        string resourceName, Func<ResourceEvent, bool> predicate, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            var changed = _changed.Task;
            if (_current.TryGetValue(resourceName, out var now) && predicate(now))
            {
                return now;
            }

            await changed.WaitAsync(cancellationToken);
        }
    }

    public async Task<ResourceEvent> WaitForResourceHealthyAsync(string resourceName, CancellationToken cancellationToken = default)
    {
        var reached = await WaitForResourceAsync(resourceName, now => now.Snapshot.Healthy || now.Snapshot.Failed, cancellationToken);
        return reached.Snapshot.Healthy
            ? reached
            : throw new DistributedApplicationException($"Resource '{resourceName}' failed to start: {reached.Snapshot.Reason}");
    }

    internal ResourceEvent? Current(string resourceName) => _current.GetValueOrDefault(resourceName);

    internal void Publish(IResource resource, CustomResourceSnapshot snapshot)
    {
        _current[resource.Name] = new ResourceEvent(resource, resource.Name, snapshot);
        Interlocked.Exchange(ref _changed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
    }
}
