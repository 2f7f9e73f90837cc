using System.Globalization;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Llm.Answers;
using SaasLlm.Core.Llm.Calls;
using SaasLlm.Core.Pricing;

namespace SaasLlm.Tests.Llm;

/// <summary>What an attempt cost, and how well that is known. A million tokens cost 10 dollars in (1 cached) and 30 out.</summary>
public sealed class CostOfAttemptTests
{
    private static readonly ModelPrice s_price = new(10, 30, 1);

    [Fact]
    public void What_the_answer_counted_is_the_cost()
        => Assert.Equal(
            (0.025m, new CostEvidence("provider", 0.025m, 0.025m)),
            CostOfAttempt.Of(Facts(new(200, default), new TokenUsage(1000, 0, 500, 0), hasContent: true), s_price));

    [Theory]
    [InlineData(429, TransportFault.None)]
    [InlineData(500, TransportFault.None)]
    [InlineData(0, TransportFault.NotConnected)]
    public void A_refusal_costs_nothing_and_that_is_known(int status, TransportFault fault)
        => Assert.Equal((0m, new CostEvidence("provider", 0, 0)), CostOfAttempt.Of(Facts(new(status, default, fault)), s_price));

    // 2400 bytes sent are 300 to 800 tokens, 2400 said likewise: at the least all of it was cached.
    [Theory]
    [InlineData(200, TransportFault.None)]
    [InlineData(500, TransportFault.None)]
    [InlineData(0, TransportFault.Cut)]
    public void What_came_without_a_count_is_counted(int status, TransportFault fault)
        => Assert.Equal(
            (null, new CostEvidence("counted", 0.0093m, 0.032m)),
            CostOfAttempt.Of(Facts(new(status, default, fault), hasContent: true, textBytes: 2400), s_price));

    [Fact]
    public void What_we_stopped_listening_to_is_at_most_what_the_request_allowed()
        => Assert.Equal(
            (null, new CostEvidence("bounded", 0.0093m, 0.158m)),
            CostOfAttempt.Of(Facts(new(0, default, TransportFault.TimedOut), hasContent: true, textBytes: 2400), s_price));

    [Fact]
    public void More_than_the_request_allowed_may_have_come()
        => Assert.Equal(1.808m, CostOfAttempt.Of(Facts(new(0, default, TransportFault.TimedOut), hasContent: true, textBytes: 180_000), s_price).Evidence.HighUsd);

    // A range that is none would be refused by its table, and with it the end of the call.
    [Theory]
    [InlineData(1, 1, TransportFault.Cut)]
    [InlineData(2, 7, TransportFault.TimedOut)]
    [InlineData(27, 0, TransportFault.Cut)]
    public void The_least_is_never_more_than_the_most(long promptMax, long textBytes, TransportFault fault)
    {
        var evidence = CostOfAttempt.Of(Facts(new(0, default, fault), hasContent: true, textBytes: textBytes, promptMax: promptMax), s_price).Evidence;
        Assert.InRange(evidence.LowUsd, 0, evidence.HighUsd);
    }

    [Theory]
    [InlineData(200, TransportFault.None)]
    [InlineData(0, TransportFault.Cut)]
    [InlineData(0, TransportFault.TimedOut)]
    public void Of_what_never_came_nothing_is_known_but_its_limit(int status, TransportFault fault)
        => Assert.Equal((null, new CostEvidence("unknown", 0, 0.158m)), CostOfAttempt.Of(Facts(new(status, default, fault)), s_price));

    // Each as LiteLLM says it, by its recording. What is refused costs nothing; what got lost on its way may have been computed.
    [Theory]
    [InlineData("inference/errors/upstream-408", true)]
    [InlineData("inference/errors/upstream-504", true)]
    [InlineData("inference/errors/timeout-config", true)]
    [InlineData("inference/errors/upstream-closed", true)]
    [InlineData("inference/errors/connection-refused", true)] // the same words as of one that was closed
    [InlineData("inference/errors/upstream-html-200", true)]
    [InlineData("inference/errors/upstream-object-without-choices", true)]
    [InlineData("inference/stream/dropped-before-first", true)]
    [InlineData("inference/stream/slow-first-byte-timeout", true)]
    [InlineData("inference/errors/upstream-400", false)]
    [InlineData("inference/errors/upstream-401", false)]
    [InlineData("inference/errors/upstream-429", false)]
    [InlineData("inference/errors/upstream-500", false)]
    [InlineData("inference/errors/upstream-503", false)]
    [InlineData("inference/errors/upstream-529", false)]
    public void What_got_lost_between_the_provider_and_the_gateway_is_unknown(string name, bool isLost)
        => Assert.Equal(
            isLost ? (null, new CostEvidence("unknown", 0, 0.158m)) : (0m, new("provider", 0, 0)),
            CostOfAttempt.Of(Facts(RecordedAnswersTests.Answer(name)), s_price));

    [Theory]
    [InlineData("4.5e-06", "0.0000045")]
    [InlineData("0.00040319999999999993", "0.0004032")]
    [InlineData("0", "0")]
    [InlineData("0.0", "0")]
    [InlineData("-1", null)]
    [InlineData("nan", null)]
    [InlineData("1e30", null)]
    [InlineData("", null)]
    [InlineData(null, null)]
    public void The_gateways_header_is_read_exactly(string? header, string? usd)
        => Assert.Equal(usd is null ? null : decimal.Parse(usd, CultureInfo.InvariantCulture), GatewayCost.Parse(header));

    private static AttemptFacts Facts(GatewayAnswer answer, TokenUsage? usage = null, bool hasContent = false, long textBytes = 0, long promptMax = 800)
        => new(answer, usage, hasContent, textBytes, PromptMax: promptMax, OutputMax: 5000);
}
