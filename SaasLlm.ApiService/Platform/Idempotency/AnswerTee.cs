using SaasLlm.Core.Common;

namespace SaasLlm.ApiService.Platform.Idempotency;

/// <summary>
/// Where a keyed request's answer is written: kept whole, and of a stream of events sent on at once. How a stream ends is sent when it is
/// kept: what the caller has seen to be over, a repeat sees again.
/// </summary>
/// <param name="sent">The response's own body.</param>
/// <param name="aborted">The caller has left. The answer is kept all the same.</param>
internal sealed class AnswerTee(HttpResponse response, Stream sent, CancellationToken aborted) : Stream
{
    private readonly MemoryStream _kept = new();
    private bool _isHeld;
    private bool _isLeft;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => _kept.Length;

    public override long Position
    {
        get => _kept.Position;
        set => throw new NotSupportedException();
    }

    /// <summary>Bytes that have gone to the caller, or would have if it had stayed.</summary>
    public int Sent { get; private set; }

    /// <summary>What the answer says went wrong; null: nothing.</summary>
    public Failure? Failure { get; set; }

    /// <summary>Writes headers that are known when the answer is; not called where they have gone out before.</summary>
    public Action? Ending { get; set; }

    public byte[] ToArray() => _kept.ToArray();

    /// <summary>From here on nothing is sent before it is kept.</summary>
    public void Hold() => _isHeld = true;

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        _kept.Write(buffer.Span);
        if (IsSentOn)
        {
            Sent += buffer.Length;
            await SendAsync(() => sent.WriteAsync(buffer, aborted).AsTask());
        }
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task FlushAsync(CancellationToken cancellationToken) => IsSentOn ? SendAsync(() => sent.FlushAsync(aborted)) : Task.CompletedTask;

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("Answers are written asynchronously.");

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    private bool IsSentOn => !_isHeld && response.ContentType == "text/event-stream";

    private async Task SendAsync(Func<Task> send)
    {
        if (_isLeft)
        {
            return;
        }

        try
        {
            await send();
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException)
        {
            _isLeft = true;
        }
    }
}
