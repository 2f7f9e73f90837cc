using Microsoft.Extensions.Logging;
using SaasLlm.Core.Common;
using StackExchange.Redis;

namespace SaasLlm.Core.Jobs.Background;

/// <summary>
/// Tells runners that rest that there are steps to run, over Redis pub/sub. It only saves them a wait: a ring that is lost is found by the next
/// look, <see cref="BackgroundJobOptions.Poll"/>.
/// </summary>
internal sealed partial class StepBell(IConnectionMultiplexer redis, RedisCalls calls, TimeProvider time, ILogger<StepBell> logger)
{
    private static readonly TimeSpan s_callMax = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan s_again = TimeSpan.FromSeconds(2);
    private static readonly RedisChannel s_channel = new("saasllm:steps", RedisChannel.PatternMode.Literal);

    private Action<RedisChannel, RedisValue>? _heard;

    /// <summary>Call it after the commit. Waits for nothing, and never throws.</summary>
    public void Ring() => _ = calls.TryAsync(redis => redis.PublishAsync(s_channel, "ready"), 0).AsTask();

    /// <summary>True: from now on <paramref name="heard"/> is called with each ring; the client subscribes again by itself after a reconnect.</summary>
    /// <param name="heard">Neither waits nor throws; always the same: a bell has one listener.</param>
    public async Task<bool> TryListenAsync(Action heard)
    {
        _heard ??= (_, _) => heard();
        try
        {
            // A try that failed may have left it with the client, which would add it a second time.
            await redis.GetSubscriber().UnsubscribeAsync(s_channel, _heard).WaitAsync(s_callMax, time);
            await redis.GetSubscriber().SubscribeAsync(s_channel, _heard).WaitAsync(s_callMax, time);
            return true;
        }
        catch (Exception exception) when (exception is RedisException or TimeoutException or ObjectDisposedException)
        {
            LogNotSubscribed(exception.Message);
            return false;
        }
    }

    /// <summary>As <see cref="TryListenAsync"/>, until it works; then rings once, as it may have rung before anybody listened.</summary>
    public async Task ListenAsync(Action heard, CancellationToken stopping)
    {
        do
        {
            await Task.Delay(s_again, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        while (!stopping.IsCancellationRequested && !await TryListenAsync(heard));

        heard();
    }

    [LoggerMessage(4211, LogLevel.Debug, "Not told of new background steps yet, they are looked for: {Reason}")]
    private partial void LogNotSubscribed(string reason);
}
