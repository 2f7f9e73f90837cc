using System.Diagnostics;

namespace SaasLlm.Tests.Infrastructure;

/// <summary>Waits for a state instead of a time.</summary>
internal static class Eventually
{
    /// <summary>For a machine that stands still for a while; where all goes well it costs nothing.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(20);

    /// <summary>Asks again and again until <paramref name="isSo"/> says so; the test fails with <paramref name="story"/> where it never does.</summary>
    public static async Task IsSoAsync(Func<Task<bool>> isSo, Func<string> story, TimeSpan? pause = null, TimeSpan? patience = null)
    {
        var (began, longest) = (Stopwatch.GetTimestamp(), patience ?? Patience);
        while (!await isSo())
        {
            Assert.True(Stopwatch.GetElapsedTime(began) < longest, $"{story()}, not even within {longest.TotalSeconds} seconds");
            await Task.Delay(pause ?? s_pause);
        }
    }

    /// <inheritdoc cref="IsSoAsync(Func{Task{bool}}, Func{string}, TimeSpan?, TimeSpan?)"/>
    public static Task IsSoAsync(Func<bool> isSo, Func<string> story, TimeSpan? pause = null) => IsSoAsync(() => Task.FromResult(isSo()), story, pause);
}
