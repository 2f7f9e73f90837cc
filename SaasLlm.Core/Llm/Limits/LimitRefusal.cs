using SaasLlm.Core.Common;

namespace SaasLlm.Core.Llm.Limits;

/// <summary>A 429 explains itself: which limit, of what, how much of it is used, until when, and what would pass.</summary>
internal static class LimitRefusal
{
    public const string Requests = "requests_per_minute";
    public const string Tokens = "tokens_per_minute";
    public const string Parallel = "parallel_calls";

    // When one of the running calls ends, nobody knows; asking again costs little.
    private static readonly TimeSpan s_parallelRetryAfter = TimeSpan.FromSeconds(1);

    /// <summary>The limit that lasts longest: after it has passed, a repeat is not refused by another of them.</summary>
    public static Failure Of(IReadOnlyList<LevelState> levels, CallSize size, DateTimeOffset now)
    {
        var worst = levels
            .SelectMany(state => new[]
            {
                new Reached(Tokens, state, state.Level.Limits.TokensPerMinute ?? 0, state.Tokens, state.TokensWait ?? TimeSpan.MaxValue),
                new Reached(Requests, state, state.Level.Limits.RequestsPerMinute ?? 0, state.Requests, state.RequestsWait ?? TimeSpan.MaxValue),
                new Reached(Parallel, state, state.Level.Limits.ParallelCalls ?? 0, state.Running, state.ParallelWait),
            })
            .Where(reached => reached.Wait > TimeSpan.Zero)
            .OrderByDescending(reached => reached.Name != Parallel)
            .ThenByDescending(reached => reached.Wait)
            .First();
        return worst.Name == Tokens ? TooManyTokens(worst, levels, size, now) : Describe(worst, now);
    }

    private static Failure Describe(Reached reached, DateTimeOffset now)
    {
        var isParallel = reached.Name == Parallel;
        var sentence = isParallel
            ? $"{reached.Of} may run {reached.Limit} calls at once, and so many are running."
            : $"{reached.Of} may make {reached.Limit} requests a minute, and has made them.";
        return new(FailureKind.LimitReached, "rate_limit.exceeded", sentence)
        {
            Details = Details(reached, now),
            RetryAfter = isParallel ? s_parallelRetryAfter : reached.Wait,
            ShouldRetry = true,
        };
    }

    private static Failure TooManyTokens(Reached reached, IReadOnlyList<LevelState> levels, CallSize size, DateTimeOffset now)
    {
        var isNever = reached.Wait == TimeSpan.MaxValue;
        // What every level leaves, now or of an empty window.
        var room = levels.Where(state => state.Level.Limits.TokensPerMinute is not null)
            .Min(state => state.Level.Limits.TokensPerMinute!.Value - (isNever ? 0 : state.Tokens));
        var isAlone = levels.All(state => state.RequestsWait == TimeSpan.Zero && state.ParallelWait == TimeSpan.Zero);
        var passes = isNever || isAlone ? size.MaxTokensWithin(room) : 0;
        var sentence = isNever
            ? $"This call may use {size.Tokens} tokens, and {reached.Of.ToLowerInvariant()} may use {reached.Limit} a minute: it never fits. "
            : $"This call may use {size.Tokens} tokens; {reached.Of.ToLowerInvariant()} may use {reached.Limit} a minute and has used {reached.Used}. ";
        sentence += passes > 0 ? $"With max_tokens of at most {passes} it would pass{(isNever ? "" : " now")}."
            : isNever ? "Its prompt alone is too long." : "Repeat it later.";
        var details = Details(reached, now);
        details["needed"] = size.Tokens;
        details["max_tokens_admitted"] = passes;
        return new(FailureKind.LimitReached, "rate_limit.exceeded", sentence)
        {
            Details = details,
            RetryAfter = isNever ? null : reached.Wait,
            ShouldRetry = !isNever,
        };
    }

    private static Dictionary<string, object?> Details(Reached reached, DateTimeOffset now) => new()
    {
        ["limit"] = reached.Name,
        ["level"] = reached.State.Level.Name,
        [$"{reached.State.Level.Name}_id"] = reached.State.Level.Id,
        ["allowed"] = reached.Limit,
        ["used"] = reached.Used,
        ["available"] = Math.Max(0, reached.Limit - reached.Used),
        ["until"] = reached.Wait == TimeSpan.MaxValue ? null : now + reached.Wait,
    };

    private sealed record Reached(string Name, LevelState State, long Limit, long Used, TimeSpan Wait)
    {
        public string Of => State.Level.Name == "team" ? "The team" : "This key";
    }
}
