using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Llm.Answers;

namespace SaasLlm.Core.Llm.Calls;

/// <summary>Where a running call stands: its attempts, what they cost, and the time that is left.</summary>
internal sealed class CallProgress(CallPlan plan, TimeProvider time, TimeSpan callTimeout)
{
    private readonly long _startedAt = time.GetTimestamp();
    private readonly List<(AnswerMeaning, TimeSpan?)> _failures = [];
    private TimeSpan _limit = callTimeout;
    private int _model;

    public DateTimeOffset StartedAt { get; } = time.GetUtcNow();

    public string GatewayKey { get; private set; } = plan.GatewayKey;

    public bool KeyWasReplaced { get; private set; }

    public decimal MarkupPercent { get; private set; }

    public int Attempts { get; private set; }

    /// <summary>What the attempts cost together, as far as known; null when nothing is known.</summary>
    public decimal? ProviderCostUsd { get; private set; }

    public PricedModel Current => plan.Models[_model];

    public IReadOnlyList<(AnswerMeaning Meaning, TimeSpan? RetryAfter)> Failures => _failures;

    public TimeSpan TimeLeft => _limit - time.GetElapsedTime(_startedAt);

    public int LatencyMs => (int)Math.Min(time.GetElapsedTime(_startedAt).TotalMilliseconds, int.MaxValue);

    /// <summary>A call's deadline never passes its job's.</summary>
    public void Started(StartedCall started)
    {
        MarkupPercent = started.MarkupPercent;
        var jobLimit = time.GetElapsedTime(_startedAt) + started.JobTimeLeft;
        _limit = jobLimit < _limit ? jobLimit : _limit;
    }

    /// <summary>The attempt on <paramref name="model"/> that is about to be sent.</summary>
    public AttemptIntent Next(PricedModel model, TimeSpan attemptTimeout)
    {
        _model = plan.Models.IndexOf(model);
        Attempts++;
        return new(AttemptId.New(time), Attempts, model.Name, attemptTimeout < TimeLeft ? attemptTimeout : TimeLeft);
    }

    public void Ended(AttemptEnd end, GatewayAnswer answer, AnswerMeaning meaning)
    {
        if (end.ProviderCostUsd is { } cost)
        {
            ProviderCostUsd = (ProviderCostUsd ?? 0) + cost;
        }

        if (meaning.TriesNext() || meaning == AnswerMeaning.ContentPolicy)
        {
            _failures.Add((meaning, answer.RetryAfter));
        }
    }

    public PricedModel? ModelAfterCurrent() => _model + 1 < plan.Models.Count ? plan.Models[_model + 1] : null;

    /// <summary>Always true, for use in a condition.</summary>
    public bool ReplaceKey(string key)
    {
        GatewayKey = key;
        KeyWasReplaced = true;
        return true;
    }
}
