using System.Buffers.Text;
using System.Diagnostics;
using System.Net.Sockets;
using System.Text;

namespace SaasLlm.Benchmarks.Stack;

/// <summary>
/// One keep-alive connection that sends one request at a time and is read when there is something to read. Not HttpClient: client
/// and server share the machine, and what a client costs would be measured as the server's.
/// </summary>
internal sealed class HttpConnection : IDisposable
{
    private byte[] _buffer = new byte[16 * 1024];
    private int _filled;

    public HttpConnection(Uri server)
    {
        Socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        Socket.Connect(server.Host, server.Port);
    }

    public Socket Socket { get; }

    /// <summary>Of a connection on which nothing is asked: whether the server has closed it.</summary>
    public bool IsClosed => Socket.Poll(0, SelectMode.SelectRead);

    public int Status { get; private set; }

    /// <summary>The answer's body; good until the next request.</summary>
    public ReadOnlyMemory<byte> Body { get; private set; }

    /// <summary>When the first byte of the body came, by <see cref="Stopwatch"/>; 0 before it.</summary>
    public long FirstByteAt { get; private set; }

    /// <summary>The bytes of a POST, to be sent as often as one likes.</summary>
    /// <param name="headers">Further ones, each as <c>name: value</c>.</param>
    public static byte[] Post(Uri server, string path, string key, string body, params IEnumerable<string> headers) => Encoding.UTF8.GetBytes(
        $"POST {path} HTTP/1.1\r\nHost: {server.Authority}\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n"
        + $"{string.Concat(headers.Select(header => $"{header}\r\n"))}Content-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}");

    public void Send(ReadOnlySpan<byte> request)
    {
        _filled = 0;
        FirstByteAt = 0;
        Socket.Send(request);
    }

    /// <summary>Reads what is there; true when the answer is whole.</summary>
    public bool Receive()
    {
        if (_filled == _buffer.Length)
        {
            Array.Resize(ref _buffer, _buffer.Length * 2);
        }

        var read = Socket.Receive(_buffer.AsSpan(_filled));
        if (read == 0)
        {
            throw new IOException("The server closed the connection.");
        }

        _filled += read;
        var answer = _buffer.AsSpan(0, _filled);
        if (answer.IndexOf("\r\n\r\n"u8) is not (>= 0 and var end))
        {
            return false;
        }

        var start = end + 4;
        if (FirstByteAt == 0 && _filled > start)
        {
            FirstByteAt = Stopwatch.GetTimestamp();
        }

        // Chunked: whoever reads such a body sees the chunks' lengths in it.
        var isWhole = Length(answer[..end]) is { } length ? _filled == start + length : answer[start..].EndsWith("0\r\n\r\n"u8);
        if (isWhole)
        {
            Status = Utf8Parser.TryParse(answer["HTTP/1.1 ".Length..], out int status, out _) ? status : throw new IOException("The answer is not HTTP.");
            Body = _buffer.AsMemory(start, _filled - start);
        }

        return isWhole;
    }

    public void Dispose() => Socket.Dispose();

    // Node writes it in small letters.
    private static int? Length(ReadOnlySpan<byte> head) => Length(head, "\r\nContent-Length: "u8) ?? Length(head, "\r\ncontent-length: "u8);

    private static int? Length(ReadOnlySpan<byte> head, ReadOnlySpan<byte> name)
        => head.IndexOf(name) is >= 0 and var at && Utf8Parser.TryParse(head[(at + name.Length)..], out int length, out _) ? length : null;
}
