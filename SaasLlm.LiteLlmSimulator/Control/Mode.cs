using SaasLlm.LiteLlmSimulator.Keys;

namespace SaasLlm.LiteLlmSimulator.Control;

internal enum DatabaseMode
{
    Connected,

    /// <summary>LiteLLM had a database and cannot reach it.</summary>
    Lost,

    /// <summary>LiteLLM was started without a database: no virtual keys at all.</summary>
    None,
}

/// <summary>The knobs of <c>/simulator/mode</c>.</summary>
internal sealed class Mode(TimeProvider time)
{
    /// <summary>How long LiteLLM serves a key from its cache after the database went away: so recorded.</summary>
    private static readonly TimeSpan s_cacheLifetime = TimeSpan.FromSeconds(60);

    private DateTimeOffset _lostSince;

    public DatabaseMode Database
    {
        get;
        set
        {
            field = value;
            _lostSince = time.GetUtcNow();
        }
    }

    /// <summary>How long a key that was used before goes on working after it or its team was blocked (LiteLLM: up to 60 s).</summary>
    public TimeSpan BlockDelay { get; set; }

    /// <summary>Between two chunks of the simulator's own streams.</summary>
    public TimeSpan ChunkDelay { get; set; }

    /// <summary>False: recordings are played at once, whatever time the recorded answer took.</summary>
    public bool RecordedTiming { get; set; } = true;

    public bool StillCached(VirtualKey key, DateTimeOffset now) => key.CachedAt is not null && now - _lostSince < s_cacheLifetime;

    public void Reset()
    {
        Database = DatabaseMode.Connected;
        BlockDelay = TimeSpan.Zero;
        ChunkDelay = TimeSpan.Zero;
        RecordedTiming = true;
    }
}
