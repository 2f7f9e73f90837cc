using SaasLlm.LiteLlmSimulator.Http;

namespace SaasLlm.LiteLlmSimulator.Playing;

/// <summary>Does what an alias says.</summary>
internal sealed class AliasPlayer(RecordingPlayer player, TimeProvider time)
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
                    await Task.Delay(delay, time, http.RequestAborted);
                }

                return null;
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
