using System.Net;

namespace SaasLlm.Core.Webhooks.Delivery;

/// <summary>Asks for the addresses of a name.</summary>
public interface IHostResolver
{
    Task<IPAddress[]> ResolveAsync(string host, CancellationToken cancellation);
}

/// <summary>The machine's own.</summary>
internal sealed class HostResolver : IHostResolver
{
    // On Linux a look-up holds its thread, be it called asynchronous or not: one of its own, for those of the pool are everybody's.
    public Task<IPAddress[]> ResolveAsync(string host, CancellationToken cancellation)
        => Task.Factory.StartNew(
            () => Dns.GetHostAddresses(host), cancellation, TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach, TaskScheduler.Default);
}
