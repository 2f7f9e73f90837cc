using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace SaasLlm.Core.Teams;

/// <summary>A team's key as the team holds it: <c>sk-</c> and 256 random bits. Only its hash and a prefix are ever stored.</summary>
public static class VirtualKey
{
    /// <summary>Characters of a key that may be shown: <c>sk-</c> and 42 of the 256 bits.</summary>
    public const int PrefixLength = 10;

    private const string Marker = "sk-";
    private const int RandomBytes = 32;

    /// <summary>Characters of a whole key: base64url without padding.</summary>
    private static readonly int s_length = Marker.Length + Base64Url.GetEncodedLength(RandomBytes);

    public static string Generate() => Marker + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(RandomBytes));

    /// <summary>False for what <see cref="Generate"/> cannot have made: it need not be looked up.</summary>
    public static bool HasShape(string key)
        => key.Length == s_length && key.StartsWith(Marker, StringComparison.Ordinal) && Base64Url.IsValid(key.AsSpan(Marker.Length));

    /// <summary>SHA-256: a slow hash would protect guessable secrets, and these have 256 bits.</summary>
    public static byte[] Hash(string key) => SHA256.HashData(Encoding.ASCII.GetBytes(key));

    public static string Prefix(string key) => key[..PrefixLength];
}
