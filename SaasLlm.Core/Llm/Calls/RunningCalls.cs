using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;

namespace SaasLlm.Core.Llm.Calls;

/// <summary>
/// Calls run to their end whether or not their caller stays: the provider bills them anyway. A stopping process waits for them as long as
/// the host's shutdown time allows; what is cut off then is an abandoned attempt, which JobRunner marks <c>unknown</c>.
/// </summary>
public sealed class RunningCalls : IHostedService
{
    private readonly ConcurrentDictionary<Task, byte> _running = new();

    /// <summary>Starts <paramref name="call"/> apart from its caller.</summary>
    public Task<T> Start<T>(Func<Task<T>> call)
    {
        var task = Task.Run(call);
        _running.TryAdd(task, 0);
        _ = task.ContinueWith(done => _running.TryRemove(done, out _), TaskScheduler.Default);
        return task;
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StopAsync(CancellationToken cancellationToken)
        => await Task.WhenAll(_running.Keys).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
}
