using System.Collections.Concurrent;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Eventing;

public interface IDistributedApplicationEvent;

public interface IDistributedApplicationResourceEvent : IDistributedApplicationEvent
{
    IResource Resource { get; }
}

public class DistributedApplicationEventSubscription(Func<IDistributedApplicationEvent, CancellationToken, Task> callback)
{
    public Func<IDistributedApplicationEvent, CancellationToken, Task> Callback { get; } = callback;
}

public interface IDistributedApplicationEventing
{
    DistributedApplicationEventSubscription Subscribe<T>(Func<T, CancellationToken, Task> callback)
        where T : IDistributedApplicationEvent;

    DistributedApplicationEventSubscription Subscribe<T>(IResource resource, Func<T, CancellationToken, Task> callback)
        where T : IDistributedApplicationResourceEvent;

    Task PublishAsync<T>(T @event, CancellationToken cancellationToken = default)
        where T : IDistributedApplicationEvent;
}

internal sealed class DistributedApplicationEventing : IDistributedApplicationEventing
{
    private readonly ConcurrentQueue<(Type Kind, DistributedApplicationEventSubscription Subscription)> _subscriptions = new();

    public DistributedApplicationEventSubscription Subscribe<T>(Func<T, CancellationToken, Task> callback)
        where T : IDistributedApplicationEvent
    {
        var subscription = new DistributedApplicationEventSubscription((happened, cancellation) => callback((T)happened, cancellation));
        _subscriptions.Enqueue((typeof(T), subscription));
        return subscription;
    }

    public DistributedApplicationEventSubscription Subscribe<T>(IResource resource, Func<T, CancellationToken, Task> callback)
        where T : IDistributedApplicationResourceEvent
        => Subscribe<T>((happened, cancellation) => happened.Resource == resource ? callback(happened, cancellation) : Task.CompletedTask);

    public async Task PublishAsync<T>(T @event, CancellationToken cancellationToken = default)
        where T : IDistributedApplicationEvent
    {
        foreach (var (_, subscription) in _subscriptions.Where(known => known.Kind == typeof(T)))
        {
            await subscription.Callback(@event, cancellationToken);
        }
    }
}
