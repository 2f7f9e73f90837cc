using SaasLlm.ApiService.Platform.Lists;

namespace SaasLlm.Tests.Platform;

public sealed class CsvCellTests
{
    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("", "")]
    [InlineData(null, "")]
    [InlineData("=1+1", "'=1+1")]
    [InlineData("+1", "'+1")]
    [InlineData("-1", "'-1")]
    [InlineData("@SUM(A1)", "'@SUM(A1)")]
    [InlineData("\tx", "\"'\tx\"")]
    [InlineData("ok;=1+1", "\"ok;=1+1\"")]
    [InlineData("a,\"b\"\nc", "\"a,\"\"b\"\"\nc\"")]
    [InlineData("=\"a\",b", "\"'=\"\"a\"\",b\"")]
    public void No_cell_is_computed_or_split(string? text, string cell) => Assert.Equal(cell, CsvCell.Of(text));
}
