using SaasLlm.Core.Data;

namespace SaasLlm.Core.Idempotency;

/// <summary>Renews a lease at an interval, from its making to its disposal.</summary>
internal sealed class ClaimHeartbeat : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;

    public ClaimHeartbeat(Func<CancellationToken, Task> renew, TimeSpan interval, TimeProvider time) => _loop = RunAsync(renew, interval, time);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task RunAsync(Func<CancellationToken, Task> renew, TimeSpan interval, TimeProvider time)
    {
        using var timer = new PeriodicTimer(interval, time);
        while (await timer.WaitForNextTickAsync(_stop.Token))
        {
            try
            {
                await renew(_stop.Token);
            }
            catch (Exception exception) when (StoreErrors.IsUnavailable(exception))
            {
                // The next tick may reach it; a lease that is lost meanwhile shows at the fence.
            }
        }
    }
}
