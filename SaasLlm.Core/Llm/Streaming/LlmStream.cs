using System.Threading.Channels;
using SaasLlm.Core.Common;
using SaasLlm.Core.Llm.Bodies;
using SaasLlm.Core.Llm.Calls;

namespace SaasLlm.Core.Llm.Streaming;

/// <summary>
/// A call's answer as it comes. The call writes, at the pace of whoever reads: a slow reader holds the call up, and the call its provider.
/// A reader that leaves holds up nothing: the rest is drained and accounted. One that holds the call up past its deadline is left likewise.
/// </summary>
public sealed class LlmStream(CallId callId, JobId jobId)
{
    // Enough to smooth the gaps, and no store: more waits at the provider.
    private const int ChunksAhead = 16;

    private readonly Channel<ReadOnlyMemory<byte>> _chunks = Channel.CreateBounded<ReadOnlyMemory<byte>>(
        new BoundedChannelOptions(ChunksAhead) { SingleReader = true, SingleWriter = true });

    private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _left = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public CallId CallId => callId;

    public JobId JobId => jobId;

    /// <summary>Chunks of OpenAI's API, as JSON, without usage; of a response, whole events with their names. To be sent as they are. Ends with the call.</summary>
    public ChannelReader<ReadOnlyMemory<byte>> Chunks => _chunks.Reader;

    /// <summary>How the call ended, saved; after the last chunk. A failure after the first chunk means that the answer broke off.</summary>
    public Task<Result<LlmAnswer>> End { get; internal set; } = Task.FromResult<Result<LlmAnswer>>(
        new Failure(FailureKind.Conflict, "llm.not_started", "The call has not started."));

    /// <summary>The id that the chunks gave the answer; null where they give none of their own.</summary>
    public string? AnswerId { get; internal set; }

    /// <summary>
    /// The reader held the call up past its deadline: it did not get all, and the call was read on without it, as if it had left. Null: it did not.
    /// </summary>
    public Failure? ReaderFault { get; private set; }

    /// <summary>How many numbered events the chunks held; the next one's number.</summary>
    public int EventsSent { get; internal set; }

    /// <summary>Remembers it; null: its team does not keep it.</summary>
    internal CallRecording? Recording { get; init; }

    /// <summary>Completes with the first chunk.</summary>
    internal Task Begun => _begun.Task;

    /// <summary>True when the reader is gone.</summary>
    internal bool HasLeft => _left.Task.IsCompleted;

    /// <summary>Nobody reads any more.</summary>
    public void Leave() => _left.TrySetResult();

    /// <summary>Hands a chunk on; false: there is no room for it. What comes after the reader has left is only counted.</summary>
    internal bool TryWrite(ReadOnlyMemory<byte> chunk)
    {
        if (!HasLeft && !_chunks.Writer.TryWrite(chunk))
        {
            return false;
        }

        Recording?.Add(chunk);
        _begun.TrySetResult();
        return true;
    }

    /// <summary>Waits until there is room, or nobody reads any more; when it lasts longer than allowed, nobody does.</summary>
    internal async Task WriteAsync(ReadOnlyMemory<byte> chunk, TimeSpan patience, TimeProvider time)
    {
        using var limit = new CancellationTokenSource(patience > TimeSpan.Zero ? patience : TimeSpan.Zero, time);
        while (!TryWrite(chunk))
        {
            if (limit.IsCancellationRequested)
            {
                LeaveTooSlow();
            }

            Task room = Task.WhenAny(_chunks.Writer.WaitToWriteAsync().AsTask(), _left.Task);
            await room.WaitAsync(limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>The call's time is over, and the reader took too much of it.</summary>
    internal void LeaveTooSlow()
    {
        ReaderFault ??= HasLeft ? null : CallFailures.ReadTooSlowly;
        Leave();
    }

    internal void Complete() => _chunks.Writer.TryComplete();
}
