using SaasLlm.Core.Common;

namespace SaasLlm.Core.Teams;

/// <summary>A key that was just made, before it is stored.</summary>
/// <param name="Plain">Shown to its owner once; not stored.</param>
internal sealed record NewKey(Guid KeyId, string Plain, byte[] Hash, string Prefix)
{
    public static NewKey Make(TimeProvider time)
    {
        var plain = VirtualKey.Generate();
        return new(Uuid7.New(time), plain, VirtualKey.Hash(plain), VirtualKey.Prefix(plain));
    }

    // A record prints its members; this one's must not get into a log.
    public override string ToString() => Prefix;
}
