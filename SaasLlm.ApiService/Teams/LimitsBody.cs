using FluentValidation;
using SaasLlm.Core.Teams;

namespace SaasLlm.ApiService.Teams;

/// <param name="RequestsPerMinute">Calls that begin within any 60 seconds; null is no limit.</param>
/// <param name="TokensPerMinute">Prompt and answer together; null is no limit.</param>
/// <param name="ParallelCalls">Calls that run at once; null is no limit.</param>
internal sealed record LimitsBody(int? RequestsPerMinute, long? TokensPerMinute, int? ParallelCalls)
{
    public static readonly LimitsBody Example = new(600, 200_000, 20);

    public static LimitsBody From(RateLimits limits) => new(limits.RequestsPerMinute, limits.TokensPerMinute, limits.ParallelCalls);

    public RateLimits ToLimits() => new(RequestsPerMinute, TokensPerMinute, ParallelCalls);
}

internal sealed class LimitsRules : AbstractValidator<LimitsBody>
{
    private const int CallsMax = 1_000_000_000;
    private const long TokensMax = 1_000_000_000_000;

    public LimitsRules()
    {
        RuleFor(limits => limits.RequestsPerMinute).InclusiveBetween(1, CallsMax);
        RuleFor(limits => limits.TokensPerMinute).InclusiveBetween(1, TokensMax);
        RuleFor(limits => limits.ParallelCalls).InclusiveBetween(1, CallsMax);
    }
}
