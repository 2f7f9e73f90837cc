namespace SaasLlm.ApiService.Llm;

/// <summary>
/// When a request began to cost time here: its headers had arrived. What its sender takes for its body is not ours: each wait for more of it
/// moves the beginning on.
/// </summary>
internal sealed class RequestClock(TimeProvider time)
{
    private long _begunAt = time.GetTimestamp();

    /// <summary>A timestamp of the clock; final once the body is read.</summary>
    public long BegunAt => _begunAt;

    /// <summary>Stands first, before anything takes time.</summary>
    public static Task StartAsync(HttpContext context, RequestDelegate next)
    {
        context.Features.Set(new RequestClock(context.RequestServices.GetRequiredService<TimeProvider>()));
        return next(context);
    }

    /// <summary>Stands after routing and before anything reads bodies; only calls ask how their time was spent.</summary>
    public static Task WatchBodyAsync(HttpContext context, RequestDelegate next)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<CallRoute>() is not null && context.Features.Get<RequestClock>() is { } clock)
        {
            context.Request.Body = new WatchedBody(context.Request.Body, clock);
        }

        return next(context);
    }

    private async ValueTask<int> ReadAsync(Stream body, Memory<byte> buffer, CancellationToken cancellation)
    {
        var since = time.GetTimestamp();
        var length = await body.ReadAsync(buffer, cancellation);
        _begunAt += time.GetTimestamp() - since;
        return length;
    }

    // What is there already takes no more than a copy.
    private sealed class WatchedBody(Stream body, RequestClock clock) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
            => clock.ReadAsync(body, buffer, cancellationToken);

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
            => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override int Read(byte[] buffer, int offset, int count) => body.Read(buffer, offset, count);

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
