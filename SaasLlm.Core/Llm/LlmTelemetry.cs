using System.Diagnostics;
using System.Diagnostics.Metrics;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Pricing;

namespace SaasLlm.Core.Llm;

/// <summary>Traces and metrics of calls: the names are an interface. Spans are the operator's and name models; metrics name groups.</summary>
internal sealed class LlmTelemetry
{
    public const string Name = "SaasLlm.Llm";

    private static readonly ActivitySource s_source = new(Name);

    private readonly Counter<long> _attempts;
    private readonly Histogram<double> _duration;
    private readonly Counter<long> _tokens;
    private readonly Counter<long> _operatorFaults;

    private readonly Counter<double> _unmeasured;
    private readonly PricingTelemetry _pricing;

    public LlmTelemetry(IMeterFactory meters, PricingTelemetry pricing)
    {
        _pricing = pricing;
        var meter = meters.Create(Name);
        _attempts = meter.CreateCounter<long>("saasllm.llm.attempts", "{attempt}", "Upstream tries, by what their answers meant.");
        _duration = meter.CreateHistogram<double>("saasllm.llm.attempt.duration", "s", "From sending a try to its whole answer.");
        _tokens = meter.CreateCounter<long>("saasllm.llm.tokens", "{token}", "Tokens of answers, by class.");
        _unmeasured = meter.CreateCounter<double>(
            "saasllm.llm.unmeasured_cost", "USD", "What tries cost at the most whose usage no provider told, by what is known of it instead.");
        _operatorFaults = meter.CreateCounter<long>("saasllm.llm.operator_faults", "{fault}", "What only the operator can mend: accounts, unknown or unpriced models, refused keys.");
    }

    public static Activity? StartAttempt(string operation, string model, string group, int number)
        => s_source.StartActivity($"{operation} {model}", ActivityKind.Client)
            ?.SetTag("gen_ai.operation.name", operation)
            .SetTag("gen_ai.request.model", model)
            .SetTag("saasllm.model_group", group)
            .SetTag("saasllm.attempt", number);

    public void AttemptEnded(Activity? span, string group, string model, AttemptEnd end, TimeSpan duration)
    {
        if (end.Evidence is { } evidence && evidence.Source != UsageSource.Provider)
        {
            _unmeasured.Add((double)evidence.HighUsd, new KeyValuePair<string, object?>("saasllm.llm.usage_source", evidence.Source));
        }

        if (end is { Status: "succeeded", ProviderCostUsd: { } ours, GatewayCostUsd: { } gateways })
        {
            _pricing.Compared(model, ours, gateways);
        }

        var groupTag = new KeyValuePair<string, object?>("saasllm.model_group", group);
        _attempts.Add(1, groupTag, new("saasllm.llm.outcome", end.Outcome));
        _duration.Record(duration.TotalSeconds, groupTag);
        _tokens.Add(end.Usage.Input, groupTag, new("gen_ai.token.type", "input"));
        _tokens.Add(end.Usage.Output, groupTag, new("gen_ai.token.type", "output"));
        span?.SetTag("gen_ai.usage.input_tokens", end.Usage.Input)
            .SetTag("gen_ai.usage.output_tokens", end.Usage.Output)
            .SetTag("gen_ai.response.id", end.UpstreamId)
            .SetTag("saasllm.llm.outcome", end.Outcome);
        if (end.Status != "succeeded")
        {
            span?.SetStatus(ActivityStatusCode.Error, end.Outcome);
        }
    }

    public void OperatorFault(string what) => _operatorFaults.Add(1, new KeyValuePair<string, object?>("saasllm.llm.fault", what));
}
