using SaasLlm.Benchmarks.Crash.Rig;

namespace SaasLlm.Benchmarks.Crash.Load;

/// <summary>Clients that do as applications do, from a seed: each its own sequence of jobs, until stopped.</summary>
internal sealed class LoadGenerator : IAsyncDisposable
{
    private const int Clients = 10;

    private readonly CancellationTokenSource _stop = new();
    private readonly Task[] _clients;

    public LoadGenerator(CrashRig rig, Tenants tenants, Witness witness, int seed)
        => _clients = [.. Enumerable.Range(0, Clients).Select(number => Task.Run(
            () => new LoadClient(rig, tenants, witness, new Random((seed * 1000) + number), $"{tenants.Prefix}-{number}").RunAsync(_stop.Token)))];

    /// <summary>Lets each client end the request it is at.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_clients);
        _stop.Dispose();
    }
}
