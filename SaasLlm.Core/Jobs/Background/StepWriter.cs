using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using SaasLlm.Core.Data;

namespace SaasLlm.Core.Jobs.Background;

/// <summary>Saves outcomes in groups: whatever came while the last group was being written is the next one, in one transaction.</summary>
internal sealed partial class StepWriter : IAsyncDisposable
{
    private const int BatchSizeMax = 256;
    private const int QueueLengthMax = 10_000;

    private readonly Channel<Waiting> _queue = Channel.CreateBounded<Waiting>(new BoundedChannelOptions(QueueLengthMax) { SingleReader = true });
    private readonly StepStore _store;
    private readonly ILogger<StepWriter> _logger;
    private readonly Task _loop;

    public StepWriter(StepStore store, ILogger<StepWriter> logger)
    {
        (_store, _logger) = (store, logger);
        using (ExecutionContext.SuppressFlow())
        {
            _loop = Task.Run(RunAsync);
        }
    }

    /// <summary>
    /// True when the step ended so; false when its lease was lost. Cancelled, it has not been saved and will not be: what is being written is
    /// waited for, whatever the token says.
    /// </summary>
    public async Task<bool> SaveAsync(StepOutcome outcome, CancellationToken cancellation)
    {
        var waiting = new Waiting(outcome);
        await _queue.Writer.WriteAsync(waiting, cancellation);
        await using var withdrawal = cancellation.Register(() => waiting.Withdraw(cancellation));
        return await waiting.Saved.Task;
    }

    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _loop;
    }

    private async Task RunAsync()
    {
        var group = new List<Waiting>(BatchSizeMax);
        while (await _queue.Reader.WaitToReadAsync())
        {
            group.Clear();
            while (group.Count < BatchSizeMax && _queue.Reader.TryRead(out var waiting))
            {
                if (waiting.TryTake())
                {
                    group.Add(waiting);
                }
            }

            if (group.Count > 0)
            {
                await SaveAsync(group);
            }
        }
    }

    private async Task SaveAsync(List<Waiting> group)
    {
        try
        {
            var saved = await _store.SaveAsync([.. group.Select(waiting => waiting.Outcome)], CancellationToken.None);
            for (var index = 0; index < group.Count; index++)
            {
                group[index].Saved.TrySetResult(saved[index]);
            }
        }
        catch (Exception exception) when (group.Count > 1 && !StoreErrors.IsUnavailable(exception))
        {
            // One of them is at fault: each gets a transaction of its own.
            LogSplit(exception, group.Count);
            foreach (var waiting in group)
            {
                await SaveAsync([waiting]);
            }
        }
        catch (Exception exception)
        {
            group.ForEach(waiting => waiting.Saved.TrySetException(exception));
        }
    }

    // Either written or withdrawn, whichever is first.
    private sealed class Waiting(StepOutcome outcome)
    {
        private int _isDecided;

        public StepOutcome Outcome => outcome;

        public TaskCompletionSource<bool> Saved { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public bool TryTake() => Interlocked.Exchange(ref _isDecided, 1) == 0;

        public void Withdraw(CancellationToken cancellation)
        {
            if (TryTake())
            {
                Saved.TrySetCanceled(cancellation);
            }
        }
    }

    [LoggerMessage(4201, LogLevel.Warning, "A group of {Count} steps could not be saved; each is tried alone")]
    private partial void LogSplit(Exception exception, int count);
}
