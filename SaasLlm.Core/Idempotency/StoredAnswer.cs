using System.Text;

namespace SaasLlm.Core.Idempotency;

/// <summary>An answer as it was sent, kept for whoever repeats the request.</summary>
/// <param name="Headers">Those that belong to the answer itself, such as <c>Content-Type</c>.</param>
public sealed record StoredAnswer(int Status, IReadOnlyList<KeyValuePair<string, string>> Headers, ReadOnlyMemory<byte> Body)
{
    /// <summary>Headers and body; the status stands beside them.</summary>
    internal byte[] ToBytes()
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream, Encoding.UTF8);
        writer.Write(Headers.Count);
        foreach (var (name, value) in Headers)
        {
            writer.Write(name);
            writer.Write(value);
        }

        writer.Write(Body.Span);
        writer.Flush();
        return stream.ToArray();
    }

    internal static StoredAnswer FromBytes(int status, byte[] bytes)
    {
        using var stream = new MemoryStream(bytes);
        using var reader = new BinaryReader(stream, Encoding.UTF8);
        var headers = new KeyValuePair<string, string>[reader.ReadInt32()];
        for (var i = 0; i < headers.Length; i++)
        {
            headers[i] = new(reader.ReadString(), reader.ReadString());
        }

        return new(status, headers, bytes.AsMemory((int)stream.Position));
    }
}
