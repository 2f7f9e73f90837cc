using Microsoft.Extensions.Options;
using SaasLlm.Core.Llm.Keys;

namespace SaasLlm.Tests.Llm;

/// <summary>Stored keys.</summary>
public sealed class KeyCipherTests
{
    private static readonly KeyCipher s_cipher = With("an encryption key of ours");

    [Fact]
    public void What_goes_in_comes_out_and_never_looks_the_same()
    {
        var first = s_cipher.Encrypt("sk-secret", "team_1");
        var second = s_cipher.Encrypt("sk-secret", "team_1");

        Assert.NotEqual(first, second);
        Assert.Equal("sk-secret", s_cipher.Decrypt(first, "team_1"));
        Assert.Equal("sk-secret", With("an encryption key of ours").Decrypt(second, "team_1"));
    }

    [Fact]
    public void A_flipped_bit_anywhere_is_noticed()
    {
        var stored = s_cipher.Encrypt("sk-secret", "team_1");
        for (var place = 0; place < stored.Length; place++)
        {
            var spoiled = stored.ToArray();
            spoiled[place] ^= 1;
            Assert.Null(s_cipher.Decrypt(spoiled, "team_1"));
        }
    }

    [Fact]
    public void Another_team_another_key_and_half_a_key_are_nothing()
    {
        var stored = s_cipher.Encrypt("sk-secret", "team_1");

        Assert.Null(s_cipher.Decrypt(stored, "team_2"));
        Assert.Null(With("another encryption key").Decrypt(stored, "team_1"));
        Assert.Null(s_cipher.Decrypt(stored.AsSpan(0, 20), "team_1"));
        Assert.Null(s_cipher.Decrypt([], "team_1"));
    }

    private static KeyCipher With(string key) => new(Options.Create(new EncryptionOptions { Key = key }));
}
