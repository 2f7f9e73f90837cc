using System.Collections.Concurrent;

namespace SaasLlm.LiteLlmSimulator.Playing;

/// <summary>Answers of <c>mock/hold-…</c> that wait until they are released, by the hold's number.</summary>
internal sealed class Holds
{
    private readonly ConcurrentDictionary<int, TaskCompletionSource> _holds = new();

    public Task WaitAsync(int hold, CancellationToken cancellation) => Of(hold).Task.WaitAsync(cancellation);

    /// <summary>For good: a call that comes later does not wait.</summary>
    public void Release(int hold) => Of(hold).TrySetResult();

    public void Reset()
    {
        foreach (var hold in _holds.Keys)
        {
            if (_holds.TryRemove(hold, out var waiting))
            {
                waiting.TrySetResult();
            }
        }
    }

    private TaskCompletionSource Of(int hold) => _holds.GetOrAdd(hold, _ => new(TaskCreationOptions.RunContinuationsAsynchronously));
}
