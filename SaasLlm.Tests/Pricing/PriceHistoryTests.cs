using SaasLlm.Core.Pricing;

namespace SaasLlm.Tests.Pricing;

/// <summary>Which of a model's prices counts at a version.</summary>
public sealed class PriceHistoryTests
{
    private static readonly PriceHistory s_history = PriceHistory.Parse("""
        {"as_of":9,"rows":[
          [2,"builtin",1,2,null,null,null,null],
          [3,"gateway",3,4,null,null,null,0],
          [5,"operator",0.150000000000,0.6,0.075,0.1875,0.7,0.000005],
          [6,"gateway",7,8,null,null,null,null],
          [7,"configuration",9,10,null,null,null,null],
          [8,"operator",null,null,null,null,null,null]]}
        """);

    [Theory]
    [InlineData(1, null)]
    [InlineData(2, 1.0)]
    [InlineData(3, 3.0)]
    [InlineData(4, 3.0)]
    [InlineData(6, 0.15)]
    [InlineData(7, 0.15)]
    [InlineData(8, 9.0)]
    [InlineData(99, 9.0)]
    public void The_strongest_source_counts_and_what_is_taken_back_does_not(long version, double? input)
        => Assert.Equal((decimal?)input, s_history.At(version)?.Price!.Input);

    [Fact]
    public void Every_class_is_read_exactly()
        => Assert.Equal(new(0.15m, 0.6m, 0.075m, 0.1875m, 0.7m, 0.000005m), s_history.At(5)!.Price);

    [Fact]
    public void What_a_model_got_first_is_what_earlier_jobs_pay()
    {
        Assert.Equal((2L, new ModelPrice(1, 2)), s_history.FirstAfter(0));
        Assert.Equal((6L, new ModelPrice(0.15m, 0.6m, 0.075m, 0.1875m, 0.7m, 0.000005m)), s_history.FirstAfter(5));
        Assert.Null(s_history.FirstAfter(8));
    }
}
