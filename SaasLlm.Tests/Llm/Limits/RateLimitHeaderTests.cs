using SaasLlm.ApiService.Llm;

namespace SaasLlm.Tests.Llm.Limits;

public sealed class RateLimitHeaderTests
{
    [Theory]
    [InlineData(0, "0ms")]
    [InlineData(0.2, "1ms")]
    [InlineData(120, "120ms")]
    [InlineData(1000, "1s")]
    [InlineData(59_482, "59.482s")]
    [InlineData(60_000, "1m0s")]
    [InlineData(360_000, "6m0s")]
    [InlineData(3_661_500, "61m1.5s")]
    public void A_duration_is_written_as_OpenAI_does(double milliseconds, string text)
        => Assert.Equal(text, CallerOfCall.Text(TimeSpan.FromMilliseconds(milliseconds)));
}
