using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace SaasLlm.Core.Idempotency;

/// <summary>A request that carries an Idempotency-Key.</summary>
/// <param name="Caller"><c>operator</c>, or <c>team:</c> and the team's id: a team that rotates its key between two tries is the same caller.</param>
/// <param name="Route">The method and the route's template, for example <c>POST /api/jobs/{job_id}/complete</c>.</param>
/// <param name="RouteValues">The values of the template's parameters, in its order.</param>
/// <param name="Query">The query string as it was sent, and what else of the address tells what is asked.</param>
/// <param name="MayRepeat">False where doing it again could cost twice: after a crash nobody knows its outcome.</param>
public sealed record KeyedRequest(
    string Caller,
    string Route,
    IReadOnlyList<string> RouteValues,
    string Key,
    string Query,
    ReadOnlyMemory<byte> Body,
    bool MayRepeat)
{
    /// <summary>The longest key.</summary>
    public const int KeyLengthMax = 255;

    /// <summary>1 to 255 visible ASCII characters.</summary>
    public static bool IsKey(string? key)
        => key is { Length: >= 1 and <= KeyLengthMax } && !key.AsSpan().ContainsAnyExceptInRange('!', '~');

    /// <summary>SHA-256 of what tells two requests of one caller apart: route, values, key.</summary>
    internal byte[] Scope()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(hash, Route);
        foreach (var value in RouteValues)
        {
            Append(hash, value);
        }

        Append(hash, Key);
        return hash.GetHashAndReset();
    }

    /// <summary>SHA-256 of what must be the same in a repeat: query and body.</summary>
    internal byte[] Content()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(hash, Query);
        hash.AppendData(Body.Span);
        return hash.GetHashAndReset();
    }

    // With its length in front, so that no two lists of parts read the same.
    private static void Append(IncrementalHash hash, string part)
    {
        var bytes = Encoding.UTF8.GetBytes(part);
        Span<byte> length = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
        hash.AppendData(length);
        hash.AppendData(bytes);
    }
}
