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

    /// <summary>True when the step ended so; false when its lease was lost.</summary>
    public async Task<bool> SaveAsync(StepOutcome outcome, CancellationToken cancellation)
    {
        var waiting = new Waiting(outcome, new(TaskCreationOptions.RunContinuationsAsynchronously));
        await _queue.Writer.WriteAsync(waiting, cancellation);
        return await waiting.Saved.Task.WaitAsync(cancellation);
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
                group.Add(waiting);
            }

            await SaveAsync(group);
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

    private readonly record struct Waiting(StepOutcome Outcome, TaskCompletionSource<bool> Saved);

    [LoggerMessage(4201, LogLevel.Warning, "A group of {Count} steps could not be saved; each is tried alone")]
    private partial void LogSplit(Exception exception, int count);
}
