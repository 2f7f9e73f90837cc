using System.Diagnostics;
using System.Diagnostics.Metrics;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Llm.Answers;
using SaasLlm.Core.Llm.Calls;
using SaasLlm.Core.Llm.Gateway;
using SaasLlm.Core.Pricing;

namespace SaasLlm.Core.Llm;

/// <summary>
/// Traces and metrics of calls: the names are an interface. A call is one client span by OpenTelemetry's conventions for generative AI, its
/// attempts are spans below it. Spans are the operator's and name models; metrics name groups, never a team, a job or a key.
/// </summary>
internal sealed class LlmTelemetry
{
    public const string Name = "SaasLlm.Llm";

    private static readonly ActivitySource s_source = new(Name);

    // Both lists are the conventions' own.
    private static readonly InstrumentAdvice<long> s_tokenBuckets = new()
    {
        HistogramBucketBoundaries = [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864],
    };

    private static readonly InstrumentAdvice<double> s_durationBuckets = new()
    {
        HistogramBucketBoundaries = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92],
    };

    private static readonly InstrumentAdvice<double> s_overheadBuckets = new()
    {
        HistogramBucketBoundaries = [0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024, 4.096],
    };

    private readonly Histogram<long> _callTokens;
    private readonly Histogram<double> _callDuration;
    private readonly Histogram<double> _overhead;
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
        _callTokens = meter.CreateHistogram("gen_ai.client.token.usage", "{token}", "Tokens of calls that were answered, by class.", advice: s_tokenBuckets);
        _callDuration = meter.CreateHistogram("gen_ai.client.operation.duration", "s", "Calls, from reading the request to the saved end.", advice: s_durationBuckets);
        _overhead = meter.CreateHistogram("saasllm.llm.overhead", "s", "What a call takes besides waiting for the gateway, from its request's headers on; not the waits for its body.", advice: s_overheadBuckets);
        _attempts = meter.CreateCounter<long>("saasllm.llm.attempts", "{attempt}", "Upstream tries, by what their answers meant.");
        _duration = meter.CreateHistogram("saasllm.llm.attempt.duration", "s", "From sending a try to its whole answer.", advice: s_durationBuckets);
        _tokens = meter.CreateCounter<long>("saasllm.llm.tokens", "{token}", "Tokens of all tries, failed ones too, by class.");
        _unmeasured = meter.CreateCounter<double>(
            "saasllm.llm.unmeasured_cost", "USD", "What tries cost at the most whose usage no provider told, by what is known of it instead.");
        _operatorFaults = meter.CreateCounter<long>("saasllm.llm.operator_faults", "{fault}", "What only the operator can mend: accounts, unknown or unpriced models, refused keys.");
    }

    public static Activity? StartCall(CallPlan plan)
        => s_source.StartActivity($"{plan.Format.Operation} {plan.GroupName}", ActivityKind.Client)
            ?.SetTag("gen_ai.operation.name", plan.Format.Operation)
            .SetTag("gen_ai.request.model", plan.GroupName)
            .SetTag("gen_ai.request.max_tokens", plan.Body.MaxOutputTokens)
            .SetTag("saasllm.model_group", plan.GroupName)
            .SetTag("saasllm.job.id", plan.Call.JobId.ToString())
            .SetTag("saasllm.call.id", plan.CallId.ToString())
            .SetTag("saasllm.llm.stream", plan.Stream is not null);

    /// <summary>The call is saved, or was refused.</summary>
    /// <param name="answered">The attempt that answered; null where the call failed.</param>
    /// <param name="progress">Null: the ledger did not let it begin.</param>
    public void CallEnded(Activity? span, CallPlan plan, CallProgress? progress, AttemptEnd? answered, string? error)
    {
        var (upstream, overhead) = plan.Clock.Read();
        var provider = Provider(progress is null ? plan.Models[0].Model.Gateway : progress.Gateway);
        var tags = new TagList
        {
            { "gen_ai.operation.name", plan.Format.Operation },
            { "gen_ai.provider.name", provider },
            { "saasllm.model_group", plan.GroupName },
        };
        if (answered is { Usage: { Total: > 0 } usage })
        {
            _callTokens.Record(usage.Input, With(tags, "gen_ai.token.type", "input"));
            _callTokens.Record(usage.Output, With(tags, "gen_ai.token.type", "output"));
        }

        _callDuration.Record((upstream + overhead).TotalSeconds, error is null ? tags : With(tags, "error.type", error));
        _overhead.Record(
            overhead.TotalSeconds, new("gen_ai.operation.name", plan.Format.Operation), new("saasllm.llm.stream", plan.Stream is not null));
        Describe(span, progress, answered, error)?.SetTag("gen_ai.provider.name", provider);
    }

    public static Activity? StartAttempt(CallModel model, string group, int number)
        => s_source.StartActivity($"attempt {model.Name}", ActivityKind.Client)
            ?.SetTag("gen_ai.request.model", model.Name)
            .SetTag("gen_ai.provider.name", Provider(model.Gateway))
            .SetTag("saasllm.gateway", model.Gateway.Name)
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
        span?.SetTag("gen_ai.response.id", end.UpstreamId).SetTag("saasllm.llm.outcome", end.Outcome);
        if (end.Status != "succeeded")
        {
            span?.SetTag("error.type", end.Outcome).SetStatus(ActivityStatusCode.Error, end.Outcome);
        }
    }

    public void OperatorFault(string what) => _operatorFaults.Add(1, new KeyValuePair<string, object?>("saasllm.llm.fault", what));

    // Tokens stand here and not at the attempts: whoever adds up spans would count them twice.
    private static Activity? Describe(Activity? span, CallProgress? progress, AttemptEnd? answered, string? error)
    {
        span?.SetTag("saasllm.llm.attempts", progress?.Attempts ?? 0);
        if (answered is not null)
        {
            span?.SetTag("gen_ai.response.model", progress!.Current.Name)
                .SetTag("gen_ai.usage.input_tokens", answered.Usage.Input)
                .SetTag("gen_ai.usage.output_tokens", answered.Usage.Output);
        }

        return error is null ? span : span?.SetTag("error.type", error).SetStatus(ActivityStatusCode.Error, error);
    }

    private static TagList With(TagList tags, string name, string value)
    {
        tags.Add(name, value);
        return tags;
    }

    private static string Provider(GatewayTarget gateway) => gateway.IsLiteLlm ? "litellm" : "openai";
}
