namespace SaasLlm.Core.Teams;

/// <summary>How much a team, or one of its keys, may call. Null is no limit; a limit is 1 or more.</summary>
/// <param name="RequestsPerMinute">Calls that begin within any 60 seconds.</param>
/// <param name="TokensPerMinute">Prompt and answer together.</param>
/// <param name="ParallelCalls">Calls that run at once.</param>
public readonly record struct RateLimits(int? RequestsPerMinute = null, long? TokensPerMinute = null, int? ParallelCalls = null)
{
    public bool IsNone => this == default;
}
