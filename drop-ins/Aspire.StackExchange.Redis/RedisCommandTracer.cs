using System.Collections.Concurrent;
using System.Diagnostics;
using global::StackExchange.Redis;

namespace Aspire.StackExchange.Redis;

/// <summary>
/// Turns the client's profiled commands into spans under the activity they were sent in. The client keeps commands by
/// context object; each recorded activity gets one, and a timer takes its commands out.
/// </summary>
internal sealed class RedisCommandTracer : IProfiler, IDisposable
{
    public const string SourceName = "OpenTelemetry.Instrumentation.StackExchangeRedis";

    private const string ContextProperty = "saasllm.redis.profile";
    private static readonly ActivitySource s_source = new(SourceName);
    private static readonly TimeSpan s_flushEvery = TimeSpan.FromMilliseconds(500);

    private readonly ConcurrentDictionary<Profile, byte> _profiles = new();
    private readonly Timer _timer;
    private IConnectionMultiplexer? _redis;

    public RedisCommandTracer() => _timer = new Timer(_ => Flush(isLast: false), null, s_flushEvery, s_flushEvery);

    public void Attach(IConnectionMultiplexer redis)
    {
        _redis = redis;
        redis.RegisterProfiler(this);
    }

    public object? GetContext()
    {
        if (_redis is null || Activity.Current is not { Recorded: true } activity || !s_source.HasListeners())
        {
            return null;
        }

        if (activity.GetCustomProperty(ContextProperty) is Profile known)
        {
            return known;
        }

        var profile = new Profile(activity);
        activity.SetCustomProperty(ContextProperty, profile);
        _redis.BeginProfiling(profile);
        _profiles.TryAdd(profile, 0);
        return profile;
    }

    public void Dispose()
    {
        _timer.Dispose();
        Flush(isLast: true);
    }

    private void Flush(bool isLast)
    {
        foreach (var (profile, _) in _profiles)
        {
            if (!isLast && !profile.IsDue())
            {
                continue;
            }

            _profiles.TryRemove(profile, out _);
            profile.Activity.SetCustomProperty(ContextProperty, null);
            foreach (var command in _redis!.FinishProfiling(profile))
            {
                Write(profile.Activity.Context, command);
            }
        }
    }

    private static void Write(ActivityContext parent, IProfiledCommand command)
    {
        var created = new DateTimeOffset(command.CommandCreated, TimeSpan.Zero);
        using var span = s_source.StartActivity(command.Command, ActivityKind.Client, parent, startTime: created);
        if (span is null)
        {
            return;
        }

        span.SetTag("db.system", "redis");
        span.SetTag("db.statement", command.Command);
        span.SetTag("db.redis.flags", command.Flags.ToString());
        span.SetTag("db.redis.database_index", command.Db);
        span.SetTag("server.address", command.EndPoint?.ToString());
        var enqueued = created + Real(command.CreationToEnqueued);
        var sent = enqueued + Real(command.EnqueuedToSending);
        span.AddEvent(new ActivityEvent("Enqueued", enqueued));
        span.AddEvent(new ActivityEvent("Sent", sent));
        span.AddEvent(new ActivityEvent("ResponseReceived", sent + Real(command.SentToResponse)));
        span.SetEndTime((created + Real(command.ElapsedTime)).UtcDateTime);
    }

    // StackExchange.Redis 1.2.6 counts in the stopwatch's ticks and hands them out as a TimeSpan's.
    private static TimeSpan Real(TimeSpan counted) => Stopwatch.GetElapsedTime(0, counted.Ticks);

    private sealed class Profile(Activity activity)
    {
        private readonly long _begun = Stopwatch.GetTimestamp();
        private bool _wasStopped;

        public Activity Activity { get; } = activity;

        /// <summary>
        /// Not at once at the activity's end: the client answers before it notes the command as done. And a long one while it runs, or its
        /// commands would wait for its end.
        /// </summary>
        public bool IsDue()
        {
            if (!Activity.IsStopped)
            {
                return Stopwatch.GetElapsedTime(_begun) >= TimeSpan.FromSeconds(10);
            }

            (var isDue, _wasStopped) = (_wasStopped, true);
            return isDue;
        }
    }
}
