using SaasLlm.Core.Common;

namespace SaasLlm.Tests.Common;

public sealed class CursorTests
{
    [Theory]
    [InlineData("a")]
    [InlineData("team_ä_42")]
    [InlineData("019c1b2e-7d00-7000-8000-000000000001")]
    public void Reads_what_it_wrote(string key)
    {
        Assert.True(Cursor.TryDecode(Cursor.Encode(key), out var read));
        Assert.Equal(key, read);
    }

    [Theory]
    [InlineData("")]
    [InlineData("%%%")]
    [InlineData("a")] // not a whole byte
    [InlineData("_w")] // not UTF-8
    [InlineData("YQBi")] // holds NUL
    public void Refuses_what_it_cannot_have_written(string cursor) => Assert.False(Cursor.TryDecode(cursor, out _));

    [Fact]
    public void Refuses_what_is_too_long() => Assert.False(Cursor.TryDecode(Cursor.Encode(new string('a', 1000)), out _));
}
