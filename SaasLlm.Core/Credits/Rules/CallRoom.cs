using SaasLlm.Core.Common;

namespace SaasLlm.Core.Credits.Rules;

/// <summary>What a job's next call may use, whose hold covers what its calls used and what the running ones may use.</summary>
internal readonly record struct CallRoom
{
    /// <summary>The member of a refusal that names the largest <c>max_tokens</c> that would pass now.</summary>
    public const string MaxTokens = "max_tokens_admitted";

    private readonly JobState _job;
    private readonly decimal _costUsd;
    private readonly long _tokens;
    private readonly decimal _spendable;

    private CallRoom(JobState job, decimal costUsd, long tokens, decimal spendable)
        => (_job, _costUsd, _tokens, _spendable) = (job, costUsd, tokens, spendable);

    public static CallRoom Of(JobState job, AccountState account, DateTimeOffset now)
    {
        var (cost, tokens) = (job.ClientCostUsd, job.InputTokens + job.OutputTokens);
        foreach (var attempt in job.Running.Where(attempt => attempt.DeadlineAt > now))
        {
            cost += job.Terms.ClientCost(attempt.EstimatedCostUsd);
            tokens += attempt.EstimatedTokens;
        }

        return new(job, cost, tokens, Math.Min(account.Available, account.LimitLeftAt(now) ?? decimal.MaxValue));
    }

    /// <summary>What the job's calls cost the client with this one, in USD, and the credits by which its hold is short of that.</summary>
    public (decimal CostUsd, decimal MissingCredits) Needs(CallEstimate call)
    {
        var cost = _costUsd + _job.Terms.ClientCost(call.ProviderCostUsd);
        return (cost, _job.Terms.IsConsumption ? _job.Terms.CreditsFor(cost, _tokens + call.Tokens) - _job.HoldAmount : 0);
    }

    /// <summary>The refusal, with the largest <c>max_tokens</c> that would pass now; 0 where even the prompt is too much.</summary>
    public Failure Explain(Failure refusal, AnswerLengths? lengths) => lengths is null ? refusal : WithMaxTokens(refusal, Longest(lengths));

    /// <summary>A refusal that no <c>max_tokens</c> changes; one that names its own stays as it is.</summary>
    public static Failure Closed(Failure refusal, AnswerLengths? lengths)
        => lengths is null || refusal.Details?.ContainsKey(MaxTokens) is true ? refusal : WithMaxTokens(refusal, 0);

    // What is asked does not fit, and more never fits where less does not.
    private int Longest(AnswerLengths lengths)
    {
        var (fits, doesNot) = (0, lengths.Asked);
        while (doesNot - fits > 1)
        {
            var middle = fits + ((doesNot - fits) / 2);
            (fits, doesNot) = Fits(lengths.Estimate(middle)) ? (middle, doesNot) : (fits, middle);
        }

        return fits;
    }

    private bool Fits(CallEstimate call)
    {
        var (cost, missing) = Needs(call);
        return !(cost > _job.MaxCostUsd) && (missing <= 0 || missing <= _spendable);
    }

    private static Failure WithMaxTokens(Failure refusal, int maxTokens) => refusal with
    {
        Message = maxTokens == 0 ? refusal.Message : $"{refusal.Message} With max_tokens of at most {maxTokens} the call would pass now.",
        Details = new Dictionary<string, object?>(refusal.Details ?? new Dictionary<string, object?>()) { [MaxTokens] = maxTokens },
    };
}
