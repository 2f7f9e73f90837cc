using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Llm.Answers;
using SaasLlm.Core.Llm.Gateway;

namespace SaasLlm.Core.Llm.Calls;

/// <summary>Where a running call stands: its attempts, what they cost, and the time that is left.</summary>
internal sealed class CallProgress
{
    private static readonly TimeSpan s_timeoutMin = TimeSpan.FromMilliseconds(1);

    private readonly CallPlan _plan;
    private readonly CircuitBreaker _breaker;
    private readonly TimeProvider _time;
    private readonly long _startedAt;
    private readonly List<(AnswerMeaning, TimeSpan?)> _failures = [];
    private readonly bool _ignoresBreaker;
    private readonly HashSet<string?> _closedGateways = [];
    private readonly CallEstimate _estimate;
    private TimeSpan _limit;
    private int _model;
    private decimal _knownCostUsd;
    private bool _hasUnknownCost;
    private CostEvidence? _evidence;
    private long _tokens;
    private int _measured;

    public CallProgress(CallPlan plan, CircuitBreaker breaker, TimeProvider time)
    {
        (_plan, _breaker, _time, _limit) = (plan, breaker, time, plan.Deadline);
        _startedAt = time.GetTimestamp();
        _estimate = plan.Estimate();
        StartedAt = time.GetUtcNow();
        GatewayKey = plan.GatewayKey;

        // When every model rests, trying is better than refusing.
        var awake = FindAwake(from: 0);
        _ignoresBreaker = awake is null;
        _model = awake ?? 0;
    }

    public DateTimeOffset StartedAt { get; }

    public string GatewayKey { get; private set; }

    /// <summary>Where the current model is asked for, with the key for it.</summary>
    public GatewayTarget Gateway => Current.Model.Gateway.Key is null ? Current.Model.Gateway with { Key = GatewayKey } : Current.Model.Gateway;

    public bool KeyWasReplaced { get; private set; }

    public decimal MarkupPercent { get; private set; }

    /// <summary>What must be sent upstream as the longest answer, so that the hold covers it; null is nothing.</summary>
    public int? OutputCeiling { get; private set; }

    public int Attempts { get; private set; }

    /// <summary>The attempt that worked, once there is one.</summary>
    public AttemptEnd? Answered { get; private set; }

    public PricedModel Current => _plan.Models[_model];

    public IReadOnlyList<(AnswerMeaning Meaning, TimeSpan? RetryAfter)> Failures => _failures;

    public TimeSpan TimeLeft => _limit - _time.GetElapsedTime(_startedAt);

    public int LatencyMs => (int)Math.Min(_time.GetElapsedTime(_startedAt).TotalMilliseconds, int.MaxValue);

    /// <summary>Of all attempts; null where one of them told nobody.</summary>
    public long? TokensUsed => _measured == Attempts ? _tokens : null;

    /// <summary>
    /// What the attempts cost together. Null when that is unknown: for a call that was answered, when its answer's cost is;
    /// for a failed one, when any attempt's is.
    /// </summary>
    public decimal? ProviderCostUsd(AttemptEnd? answered)
        => (answered is null ? _hasUnknownCost : answered.ProviderCostUsd is null) ? null : _knownCostUsd;

    /// <summary>The range of all attempts together; its source is that of the answer's usage, or of a failed call's least certain attempt.</summary>
    public CostEvidence? Evidence(AttemptEnd? answered)
        => answered?.Evidence is { } answer ? _evidence!.Value with { Source = answer.Source } : _evidence;

    /// <summary>A call's deadline never passes its job's.</summary>
    public void Started(StartedCall started)
    {
        MarkupPercent = started.MarkupPercent;
        OutputCeiling = started.IsBounded ? _plan.OutputCeiling : null;
        var jobLimit = _time.GetElapsedTime(_startedAt) + started.JobTimeLeft;
        _limit = jobLimit < _limit ? jobLimit : _limit;
    }

    /// <summary>The attempt on <paramref name="model"/> that is about to be sent.</summary>
    public AttemptIntent Next(PricedModel model)
    {
        _model = _plan.Models.IndexOf(model);
        Attempts++;
        // A stream that has begun may go on until the call's deadline: before that nobody may take it for abandoned.
        var timeout = _plan.Stream is null ? _plan.AttemptTimeout : TimeLeft;
        return new(AttemptId.New(_time), Attempts, model.Name, Within(timeout), _estimate);
    }

    /// <summary>The attempt that <see cref="Next"/> made was not begun.</summary>
    public void NotBegun() => Attempts--;

    /// <summary>No longer than the time that is left.</summary>
    public TimeSpan Within(TimeSpan timeout)
    {
        var left = TimeLeft;
        var shorter = timeout < left ? timeout : left;
        return shorter > s_timeoutMin ? shorter : s_timeoutMin;
    }

    public void Ended(AttemptEnd end, GatewayAnswer answer, AnswerMeaning meaning)
    {
        if (end.ProviderCostUsd is { } cost)
        {
            _knownCostUsd += cost;
            _tokens += end.Usage.Total;
            _measured++;
        }
        else
        {
            _hasUnknownCost = true;
        }

        if (end.Evidence is { } known)
        {
            _evidence = _evidence is { } before
                ? new(UsageSource.Worse(before.Source, known.Source), CostOfAttempt.Capped(before.LowUsd + known.LowUsd),
                    CostOfAttempt.Capped(before.HighUsd + known.HighUsd))
                : known;
        }

        if (meaning == AnswerMeaning.Worked)
        {
            Answered = end;
        }

        if (meaning.TriesNext() || meaning == AnswerMeaning.ContentPolicy)
        {
            _failures.Add((meaning, answer.RetryAfter));
        }
    }

    /// <summary>The next model that does not rest. Asked only when it is going to be tried: asking may use up its one try.</summary>
    public PricedModel? ModelAfterCurrent()
        => ModelsTried < _plan.Settings.AttemptsMax.GetValueOrDefault(int.MaxValue) && FindAwake(_model + 1) is { } next ? _plan.Models[next] : null;

    /// <summary>No further model is asked for where the current one was.</summary>
    public void CloseGateway() => _closedGateways.Add(Current.Model.Gateway.Name);

    /// <summary>Always true, for use in a condition.</summary>
    public bool ReplaceKey(string key)
    {
        GatewayKey = key;
        KeyWasReplaced = true;
        return true;
    }

    // The repeat with a new key is no other model's.
    private int ModelsTried => KeyWasReplaced ? Attempts - 1 : Attempts;

    private int? FindAwake(int from)
    {
        for (var index = from; index < _plan.Models.Count; index++)
        {
            var model = _plan.Models[index];
            if (!_closedGateways.Contains(model.Model.Gateway.Name) && (_ignoresBreaker || _breaker.Allows(model.Key)))
            {
                return index;
            }
        }

        return null;
    }
}
