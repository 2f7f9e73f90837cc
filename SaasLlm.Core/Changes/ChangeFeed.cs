using System.Globalization;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using SaasLlm.Core.Common;
using StackExchange.Redis;

namespace SaasLlm.Core.Changes;

/// <summary>
/// Tells every replica what changed, over Redis pub/sub, so that their caches forget it within a moment.
/// Pub/sub loses messages silently; so each replica pings itself over the same channel, and trusts the feed only while its pings come back
/// in sequence. After any break every cache is dropped; during one, caches keep what they have no longer than <see cref="LifetimeWithoutFeed"/>.
/// </summary>
public sealed partial class ChangeFeed(IConnectionMultiplexer redis, TimeProvider time, ILogger<ChangeFeed> logger) : BackgroundService
{
    /// <summary>How long a cache may keep a value while the feed is not live: a change reaches every replica within a second.</summary>
    public static readonly TimeSpan LifetimeWithoutFeed = TimeSpan.FromSeconds(0.9);

    private static readonly TimeSpan s_pingInterval = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan s_silenceMax = TimeSpan.FromMilliseconds(700);
    private static readonly TimeSpan s_callMax = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan s_subscribeAgainAfter = TimeSpan.FromSeconds(2);
    private static readonly RedisChannel s_channel = new("saasllm:changes", RedisChannel.PatternMode.Literal);

    private readonly Lock _gate = new();
    private readonly string _self = Uuid7.New(time).ToString("N");
    private IChangeListener[] _listeners = [];
    private bool _isLive;
    private bool _owesNotice;
    private long _sentPing;
    private long _receivedPing;
    private long _receivedPingAt;
    private long _subscribedAt;
    private long _liveSince;

    /// <summary>How long notices are known to arrive without a break; zero while they are not.</summary>
    public TimeSpan LiveFor => IsLive ? time.GetElapsedTime(Volatile.Read(ref _liveSince)) : TimeSpan.Zero;

    /// <summary>True while notices are known to arrive.</summary>
    public bool IsLive => Volatile.Read(ref _isLive) && time.GetElapsedTime(Volatile.Read(ref _receivedPingAt)) < s_silenceMax;

    /// <summary>How long a cache may use a value that is <paramref name="loadedAt"/> old (a timestamp of the same clock).</summary>
    public bool IsFresh(long loadedAt, TimeSpan lifetime)
        => time.GetElapsedTime(loadedAt) < (IsLive ? lifetime : LifetimeWithoutFeed);

    /// <summary>From now on <paramref name="listener"/> hears every notice.</summary>
    public void Register(IChangeListener listener)
    {
        lock (_gate)
        {
            _listeners = [.. _listeners, listener];
        }
    }

    /// <summary>
    /// Tells this process at once and the others through Redis. Call it after the commit. Never throws: where Redis is not there,
    /// the others' caches live shortly, and a notice to forget everything follows when it is back.
    /// </summary>
    public async Task PublishAsync(ChangeTopic topic, string key)
    {
        foreach (var listener in Volatile.Read(ref _listeners))
        {
            listener.Changed(topic, key);
        }

        if (!await TrySendAsync($"{topic} {key}"))
        {
            OweNotice();
        }
    }

    /// <summary>Something did not reach Redis: when it is back, it is mended, and then everybody forgets everything.</summary>
    public void OweNotice() => Volatile.Write(ref _owesNotice, true);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        redis.ConnectionFailed += OnConnectionChanged;
        redis.ConnectionRestored += OnConnectionChanged;
        try
        {
            while (!stoppingToken.IsCancellationRequested)
            {
                await SubscribeIfSilentAsync();
                await TrySendAsync(string.Create(CultureInfo.InvariantCulture, $"ping {_self} {++_sentPing}"));
                await PayNoticeAsync();
                await Task.Delay(s_pingInterval, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
        finally
        {
            redis.ConnectionFailed -= OnConnectionChanged;
            redis.ConnectionRestored -= OnConnectionChanged;
        }
    }

    private void OnConnectionChanged(object? sender, ConnectionFailedEventArgs change) => Volatile.Write(ref _isLive, false);

    private async Task SubscribeIfSilentAsync()
    {
        if (IsLive || (_subscribedAt != 0 && time.GetElapsedTime(_subscribedAt) < s_subscribeAgainAfter))
        {
            return;
        }

        _subscribedAt = time.GetTimestamp();
        var subscriber = redis.GetSubscriber();
        try
        {
            // The client subscribes again by itself after a reconnect; where it did not, a fresh start mends it.
            await subscriber.UnsubscribeAsync(s_channel, OnMessage).WaitAsync(s_callMax, time);
            await subscriber.SubscribeAsync(s_channel, OnMessage).WaitAsync(s_callMax, time);
        }
        catch (Exception exception) when (exception is RedisException or TimeoutException or ObjectDisposedException)
        {
            LogNotSubscribed(exception.Message);
        }
    }

    private async Task PayNoticeAsync()
    {
        if (!Interlocked.Exchange(ref _owesNotice, false))
        {
            return;
        }

        // In this order: who forgets and reads again must not find the old value in Redis.
        foreach (var listener in Volatile.Read(ref _listeners))
        {
            if (!await listener.MendAsync())
            {
                OweNotice();
                return;
            }
        }

        if (!await TrySendAsync("all"))
        {
            OweNotice();
        }
    }

    private async Task<bool> TrySendAsync(string message)
    {
        try
        {
            await redis.GetSubscriber().PublishAsync(s_channel, message).WaitAsync(s_callMax, time);
            return true;
        }
        catch (Exception exception) when (exception is RedisException or TimeoutException or ObjectDisposedException)
        {
            return false;
        }
    }

    private void OnMessage(RedisChannel channel, RedisValue message)
    {
        var words = ((string?)message ?? "").Split(' ');
        switch (words)
        {
            case ["ping", var sender, var sequence]:
                if (sender == _self)
                {
                    OnPing(long.Parse(sequence, CultureInfo.InvariantCulture));
                }

                break;
            case ["all"]:
                ForgetAll();
                break;
            case [var topic, var key] when Enum.TryParse<ChangeTopic>(topic, out var known):
                foreach (var listener in Volatile.Read(ref _listeners))
                {
                    listener.Changed(known, key);
                }

                break;
            default:
                // A newer replica says something this one does not know.
                ForgetAll();
                break;
        }
    }

    private void OnPing(long sequence)
    {
        lock (_gate)
        {
            if (sequence <= _receivedPing)
            {
                return;
            }

            var isInSequence = IsLive && sequence == _receivedPing + 1;
            _receivedPing = sequence;
            if (!isInSequence)
            {
                // This ping proves the subscription; what was said before it may be lost.
                ForgetAll();
                Volatile.Write(ref _liveSince, time.GetTimestamp());
                LogLive();
            }

            Volatile.Write(ref _receivedPingAt, time.GetTimestamp());
            Volatile.Write(ref _isLive, true);
        }
    }

    private void ForgetAll()
    {
        foreach (var listener in Volatile.Read(ref _listeners))
        {
            listener.ForgetAll();
        }
    }

    [LoggerMessage(1401, LogLevel.Information, "Change notices arrive; caches start empty")]
    private partial void LogLive();

    [LoggerMessage(1402, LogLevel.Debug, "Not subscribed to change notices yet: {Reason}")]
    private partial void LogNotSubscribed(string reason);
}
