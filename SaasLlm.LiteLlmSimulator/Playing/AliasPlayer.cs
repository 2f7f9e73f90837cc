using SaasLlm.LiteLlmSimulator.Http;

namespace SaasLlm.LiteLlmSimulator.Playing;

/// <summary>Does what an alias says.</summary>
internal sealed class AliasPlayer(RecordingPlayer player, Holds holds, TimeProvider time)
{
    /// <summary>The alias' answer; null where the simulator's own one follows (after a wait, or changed by the caller).</summary>
    public async Task<Answer?> AnswerAsync(HttpContext http, string alias, bool isStream)
    {
        if (Aliases.RecordingOf(alias, isStream) is { } recording)
        {
            return player.Answer(recording);
        }

        switch (alias)
        {
            case "reset":
                return Answer.Written(Reset);
            case "hang":
                return Answer.Written(HangAsync);
            default:
                if (Aliases.SlowBy(alias) is { } delay)
                {
                    await WaitAsync(delay, http.RequestAborted);
                }

                if (Aliases.HoldOf(alias) is { } hold)
                {
                    await holds.WaitAsync(hold, http.RequestAborted);
                }

                return null;
        }
    }

    // A timer may fire milliseconds early; who asked for a slow answer waits at least so long.
    private async Task WaitAsync(TimeSpan delay, CancellationToken cancellation)
    {
        var started = time.GetTimestamp();
        for (var left = delay; left > TimeSpan.Zero; left = delay - time.GetElapsedTime(started))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(Math.Ceiling(left.TotalMilliseconds)), time, cancellation);
        }
    }

    private static Task Reset(HttpContext http)
    {
        http.Abort();
        return Task.CompletedTask;
    }

    private static async Task HangAsync(HttpContext http)
    {
        try
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, http.RequestAborted);
        }
        catch (OperationCanceledException)
        {
            http.Abort();
        }
    }
}
