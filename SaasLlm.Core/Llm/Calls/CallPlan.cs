using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Llm.Bodies;
using SaasLlm.Core.Llm.Formats;
using SaasLlm.Core.Llm.Gateway;
using SaasLlm.Core.Llm.Limits;
using SaasLlm.Core.Llm.Requests;
using SaasLlm.Core.Llm.Streaming;
using SaasLlm.Core.ModelGroups;
using SaasLlm.Core.Pricing;

namespace SaasLlm.Core.Llm.Calls;

/// <summary>A call that may begin: checked, priced, and with its key.</summary>
/// <param name="OutputCeiling">The longest answer, in tokens, that the estimate assumes where neither the request nor its group names one.</param>
/// <param name="Models">The models to try, in order, each with its price.</param>
/// <param name="GatewayKey">The team's own; empty where no model needs one.</param>
internal sealed record CallPlan(
    LlmCall Call,
    CallId CallId,
    string GroupName,
    GroupSettings Settings,
    OutgoingBody Body,
    int OutputCeiling,
    List<PricedModel> Models,
    string GatewayKey)
{
    public CallFormat Format => Body.Format;

    public required CallClock Clock { get; init; }

    /// <summary>For all attempts together.</summary>
    public required TimeSpan Deadline { get; init; }

    /// <summary>For one attempt; of a stream, until its first content.</summary>
    public required TimeSpan AttemptTimeout { get; init; }

    /// <summary>The places that it takes up while it runs; null: nothing limits it.</summary>
    public CallAdmission? Admission { get; init; }

    /// <summary>Remembers what is asked and answered; null: the team does not keep it.</summary>
    public CallRecording? Recording { get; init; }

    /// <summary>All models of the group, priced or not.</summary>
    public IReadOnlyList<CallModel> GroupModels { get; init; } = [];

    /// <summary>Of the price book: <see cref="Models"/> are priced by it.</summary>
    public long PriceVersion { get; init; }

    /// <summary>Where the answer goes as it comes; null: it is answered whole.</summary>
    public LlmStream? Stream { get; init; }

    // No hold is ever as large: what is above is refused all the same, and fits its column.
    private const decimal CostMax = 10_000_000m;

    /// <summary>The most the call may use: its body as prompt, the longest answers it may get, at the dearest model.</summary>
    public CallEstimate Estimate() => Estimate(MaxTokens);

    /// <summary>The longest answer, in tokens, all choices together.</summary>
    public long OutputMax => (long)MaxTokens * Body.Choices;

    public AnswerLengths? Lengths => Format.OutputLimitField is null ? null : new(MaxTokens, Estimate);

    private int MaxTokens => Body.MaxOutputTokens ?? OutputCeiling;

    public CallSize Size() => new(Body.PromptTokens, Body.Choices, MaxTokens);

    private CallEstimate Estimate(int maxTokens)
    {
        var output = (long)maxTokens * Body.Choices;
        return new(Body.PromptTokens + output, Math.Min(CostMax, Models.Max(model => model.Price.CostMax(Body.PromptTokens, output))));
    }
}

/// <summary>A model of a group, and where it is asked for.</summary>
internal sealed record CallModel(string Name, GatewayTarget Gateway)
{
    /// <summary>Tells it from a model of that name at another gateway. No name holds a tab, and sealed ids of responses end it with a line break.</summary>
    public string Key => Gateway.Name is null ? Name : $"{Name}\t{Gateway.Name}";
}

internal sealed record PricedModel(CallModel Model, ModelPrice Price)
{
    public string Name => Model.Name;

    public string Key { get; } = Model.Key;
}
