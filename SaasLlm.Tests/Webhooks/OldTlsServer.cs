using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace SaasLlm.Tests.Webhooks;

/// <summary>A server that knows no newer TLS than 1.1, played by hand: libraries of today do not speak that as servers either.</summary>
internal sealed class OldTlsServer : IDisposable
{
    private const int Handshake = 22;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

    public OldTlsServer()
    {
        _listener.Start();
        First = HearAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>What its first client said.</summary>
    public Task<Hello> First { get; }

    public void Dispose() => _listener.Dispose();

    private async Task<Hello> HearAsync()
    {
        using var client = await _listener.AcceptTcpClientAsync();
        var stream = client.GetStream();
        var hello = await ReadRecordAsync(stream);
        var extensions = ExtensionsOf(hello.Body);
        // TLS 1.1, no session, ECDHE_RSA_WITH_AES_128_CBC_SHA, no compression.
        byte[] answer = [2, 0, 0, 38, 3, 2, .. new byte[32], 0, 0xC0, 0x13, 0];
        await stream.WriteAsync((byte[])[Handshake, 3, 2, 0, (byte)answer.Length, .. answer]);
        var reply = await ReadRecordAsync(stream);
        return new(
            Encoding.ASCII.GetString(extensions[0].AsSpan(5)),
            [.. extensions[43].Skip(1).Chunk(2).Select(version => BinaryPrimitives.ReadUInt16BigEndian(version))],
            [reply.Type, .. reply.Body]);
    }

    private static async Task<(byte Type, byte[] Body)> ReadRecordAsync(NetworkStream stream)
    {
        var header = new byte[5];
        await stream.ReadExactlyAsync(header);
        var body = new byte[BinaryPrimitives.ReadUInt16BigEndian(header.AsSpan(3))];
        await stream.ReadExactlyAsync(body);
        return (header[0], body);
    }

    // Type and length of the message, version and random; then what has a length before it: session, ciphers, compressions, extensions.
    private static Dictionary<int, byte[]> ExtensionsOf(ReadOnlySpan<byte> hello)
    {
        var rest = hello[38..];
        rest = rest[(1 + rest[0])..];
        rest = rest[(2 + BinaryPrimitives.ReadUInt16BigEndian(rest))..];
        rest = rest[(1 + rest[0])..][2..];
        Dictionary<int, byte[]> extensions = [];
        while (rest.Length > 0)
        {
            var length = BinaryPrimitives.ReadUInt16BigEndian(rest[2..]);
            extensions.Add(BinaryPrimitives.ReadUInt16BigEndian(rest), rest.Slice(4, length).ToArray());
            rest = rest[(4 + length)..];
        }

        return extensions;
    }
}

/// <summary>A client's first message, and its reply to the answer.</summary>
/// <param name="Host">The name that it wants.</param>
/// <param name="Versions">That it speaks, as on the wire: 0x0303 is TLS 1.2.</param>
/// <param name="Reply">The type of the record, and what is in it.</param>
internal sealed record Hello(string Host, ushort[] Versions, byte[] Reply);
