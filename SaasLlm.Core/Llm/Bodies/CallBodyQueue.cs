using System.Threading.Channels;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using SaasLlm.Core.Data;

namespace SaasLlm.Core.Llm.Bodies;

/// <summary>
/// Bodies on their way to Postgres, off the calls' path: what does not fit is dropped, counted and logged, and nobody waits. A stopping
/// process writes what waits, as long as the host's shutdown time allows.
/// </summary>
internal sealed partial class CallBodyQueue(
    CallBodyStore store, CallBodyTelemetry telemetry, IOptions<CallBodyOptions> options, TimeProvider time, ILogger<CallBodyQueue> logger) : IHostedService, IDisposable
{
    private const int BatchCallsMax = 256;
    private const long BatchBytesMax = 8 * 1024 * 1024;

    private static readonly TimeSpan s_retryMin = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_retryMax = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_quiet = TimeSpan.FromSeconds(10);

    private readonly Channel<CallBody> _waiting = Channel.CreateBounded<CallBody>(new BoundedChannelOptions(options.Value.WaitingMax) { SingleReader = true });
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private Task _writing = Task.CompletedTask;
    private long _bytes;
    private int _untold;
    private long? _toldAt;

    /// <summary>Takes it, or drops it. Never waits, and never throws: whatever it is, the call has ended well without it.</summary>
    public void Keep(Func<CallBody> make)
    {
        try
        {
            var body = make();
            if (Interlocked.Add(ref _bytes, body.BytesHeld) <= options.Value.WaitingBytesMax && _waiting.Writer.TryWrite(body))
            {
                return;
            }

            Interlocked.Add(ref _bytes, -body.BytesHeld);
            Drop(DropReason.Full, 1, null);
        }
        catch (Exception exception)
        {
            Drop(DropReason.Broken, 1, exception);
        }
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _writing = Task.Run(WriteAllAsync, CancellationToken.None);
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        _waiting.Writer.TryComplete();
        await _writing.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _stop.CancelAsync();
        await _writing;
    }

    public void Dispose() => _stop.Dispose();

    private async Task WriteAllAsync()
    {
        var batch = new List<CallBody>(BatchCallsMax);
        while (await _waiting.Reader.WaitToReadAsync())
        {
            batch.Clear();
            var bytes = 0L;
            while (batch.Count < BatchCallsMax && bytes < BatchBytesMax && _waiting.Reader.TryRead(out var body))
            {
                batch.Add(body);
                bytes += body.BytesHeld;
            }

            await WriteAsync(batch);
            Interlocked.Add(ref _bytes, -bytes);
        }
    }

    private async Task WriteAsync(List<CallBody> batch)
    {
        var (begunAt, wait) = (time.GetTimestamp(), s_retryMin);
        try
        {
            var rows = batch.Select(store.Seal).ToList();
            DateTimeOffset? keptAt = null;
            while (true)
            {
                try
                {
                    _stop.Token.ThrowIfCancellationRequested();
                    // Read once: a repeat after a lost reply then finds its own rows.
                    keptAt ??= await store.NowAsync(_stop.Token);
                    await store.InsertAsync(rows, keptAt.Value, _stop.Token);
                    telemetry.Kept(batch.Count);
                    return;
                }
                catch (Exception exception) when (StoreErrors.IsUnavailable(exception) && time.GetElapsedTime(begunAt) + wait <= options.Value.TryFor)
                {
                    await Task.Delay(wait, time, _stop.Token);
                    wait = wait * 2 < s_retryMax ? wait * 2 : s_retryMax;
                }
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException || StoreErrors.IsUnavailable(exception))
        {
            Drop(DropReason.StoreGone, batch.Count, exception);
        }
        catch (Exception exception)
        {
            Drop(DropReason.Broken, batch.Count, exception);
        }
    }

    // A line for each would bury the log just when something else is wrong.
    private void Drop(string reason, int calls, Exception? exception)
    {
        telemetry.Dropped(reason, calls);
        lock (_gate)
        {
            _untold += calls;
            if (_toldAt is { } toldAt && time.GetElapsedTime(toldAt) < s_quiet)
            {
                return;
            }

            LogDropped(exception, _untold, reason);
            (_untold, _toldAt) = (0, time.GetTimestamp());
        }
    }

    [LoggerMessage(4141, LogLevel.Warning, "The bodies of {Count} calls are not kept, the last for this reason: {Reason}")]
    private partial void LogDropped(Exception? exception, int count, string reason);
}
