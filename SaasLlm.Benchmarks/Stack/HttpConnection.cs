using System.Buffers.Text;
using System.Net.Sockets;
using System.Text;

namespace SaasLlm.Benchmarks.Stack;

/// <summary>
/// One keep-alive connection that sends one request at a time. Not HttpClient: client and server share the machine, and what a
/// client costs would be measured as the server's.
/// </summary>
internal sealed class HttpConnection(Uri server) : IDisposable
{
    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private byte[] _buffer = new byte[16 * 1024];

    public Task OpenAsync(CancellationToken cancellation) => _socket.ConnectAsync(server.Host, server.Port, cancellation).AsTask();

    /// <summary>The bytes of a POST, to be sent as often as one likes.</summary>
    public static byte[] Post(Uri server, string path, string key, string body) => Encoding.UTF8.GetBytes(
        $"POST {path} HTTP/1.1\r\nHost: {server.Authority}\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}");

    /// <summary>The status and the bytes of the answer's body, which are good until the next request.</summary>
    public async ValueTask<(int Status, ReadOnlyMemory<byte> Body)> SendAsync(ReadOnlyMemory<byte> request)
    {
        await _socket.SendAsync(request);
        var (filled, start, length) = (0, -1, -1);
        while (start < 0 || filled < start + length || (length < 0 && !_buffer.AsSpan(start, filled - start).EndsWith("0\r\n\r\n"u8)))
        {
            if (filled == _buffer.Length)
            {
                Array.Resize(ref _buffer, _buffer.Length * 2);
            }

            var read = await _socket.ReceiveAsync(_buffer.AsMemory(filled));
            if (read == 0)
            {
                throw new IOException("The server closed the connection.");
            }

            filled += read;
            if (start < 0 && _buffer.AsSpan(0, filled).IndexOf("\r\n\r\n"u8) is >= 0 and var end)
            {
                start = end + 4;
                length = Length(_buffer.AsSpan(0, end));
            }
        }

        return Utf8Parser.TryParse(_buffer.AsSpan("HTTP/1.1 ".Length), out int status, out _)
            ? (status, _buffer.AsMemory(start, filled - start))
            : throw new IOException("The answer is not HTTP.");
    }

    public void Dispose() => _socket.Dispose();

    // -1: chunked; whoever reads such a body sees the chunks' lengths in it.
    private static int Length(ReadOnlySpan<byte> head)
    {
        var name = "\r\nContent-Length: "u8;
        return head.IndexOf(name) is >= 0 and var at && Utf8Parser.TryParse(head[(at + name.Length)..], out int length, out _) ? length : -1;
    }
}
