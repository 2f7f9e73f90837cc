using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace SaasLlm.LiteLlmSimulator.Http;

/// <summary>Ids that count up, so that the same calls after a start get the same ids.</summary>
internal sealed class Ids
{
    private long _count;

    public string Next(string prefix) => prefix + Interlocked.Increment(ref _count).ToString("000000", CultureInfo.InvariantCulture);

    /// <summary>A uuid in form, but counted like the others.</summary>
    public string NextUuid() => Uuid(Next("call-"));

    public static string Uuid(string seed) => new Guid(SHA256.HashData(Encoding.UTF8.GetBytes(seed)).AsSpan(0, 16), bigEndian: true).ToString();

    public static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    public void Reset() => Interlocked.Exchange(ref _count, 0);
}
