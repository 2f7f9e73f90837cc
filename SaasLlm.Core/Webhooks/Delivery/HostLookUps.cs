using System.Net;

namespace SaasLlm.Core.Webhooks.Delivery;

/// <summary>
/// Keeps look-ups of names apart: tenants choose the names, and whose servers they ask. Few run at a time, one a name; whoever waits does so
/// within the time limit of its connection.
/// </summary>
internal sealed class HostLookUps(IHostResolver resolver, TimeProvider time) : IDisposable
{
    /// <summary>Look-ups that run at a time, less those that hang.</summary>
    public const int PlacesMax = 16;

    /// <summary>From then on a look-up hangs: it gives up its place, and whoever asks for its name is turned away while it goes on.</summary>
    public static readonly TimeSpan HangsAfter = TimeSpan.FromSeconds(2);

    private readonly SemaphoreSlim _places = new(PlacesMax);
    private readonly Lock _lock = new();
    private readonly Dictionary<string, LookUp> _running = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Throws a <see cref="TimeoutException"/> where the name's look-up hangs already.</summary>
    public async Task<IPAddress[]> ResolveAsync(string host, CancellationToken cancellation)
    {
        if (IPAddress.TryParse(host, out var address))
        {
            return [address];
        }

        if (Running(host) is not { } lookUp)
        {
            await _places.WaitAsync(cancellation);
            lookUp = Begin(host);
        }

        return time.GetElapsedTime(lookUp.Started) < HangsAfter
            ? await lookUp.Found.Task.WaitAsync(cancellation)
            : throw new TimeoutException("The name's look-up hangs.");
    }

    public void Dispose() => _places.Dispose();

    private LookUp? Running(string host)
    {
        lock (_lock)
        {
            return _running.GetValueOrDefault(host);
        }
    }

    // The caller has a place.
    private LookUp Begin(string host)
    {
        lock (_lock)
        {
            if (_running.TryGetValue(host, out var other))
            {
                _places.Release();
                return other;
            }

            var begun = new LookUp(time.GetTimestamp(), new(TaskCreationOptions.RunContinuationsAsynchronously));
            _running.Add(host, begun);
            _ = Task.Run(() => RunAsync(host, begun), CancellationToken.None);
            return begun;
        }
    }

    private async Task RunAsync(string host, LookUp lookUp)
    {
        // Others may wait for it when the first who asked is gone.
        var asking = resolver.ResolveAsync(host, CancellationToken.None);
        await ((Task)asking).WaitAsync(HangsAfter, time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _places.Release();
        await ((Task)asking).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (_lock)
        {
            _running.Remove(host);
        }

        lookUp.Found.SetFromTask(asking);
        // Nobody may be left to hear of a failure.
        _ = lookUp.Found.Task.Exception;
    }

    private sealed record LookUp(long Started, TaskCompletionSource<IPAddress[]> Found);
}
