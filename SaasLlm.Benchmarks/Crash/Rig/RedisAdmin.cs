using StackExchange.Redis;

namespace SaasLlm.Benchmarks.Crash.Rig;

/// <summary>A connection to Redis beside the product's, made with the first use: a test may have killed the server meanwhile.</summary>
internal sealed class RedisAdmin(string connection) : IDisposable
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(200);
    private const int TriesMax = 100;

    private readonly Lazy<ConnectionMultiplexer> _redis = new(() => ConnectionMultiplexer.Connect(connection));

    public IDatabase Database => _redis.Value.GetDatabase();

    /// <summary>The server's process.</summary>
    public async Task<int> ProcessIdAsync()
    {
        var info = (string)(await TryAsync(() => Database.ExecuteAsync("INFO", "server")))!;
        var line = info.Split('\n').Single(entry => entry.StartsWith("process_id:", StringComparison.Ordinal));
        return int.Parse(line["process_id:".Length..], System.Globalization.CultureInfo.InvariantCulture);
    }

    public Task<RedisResult> ExecuteAsync(string command, params object[] arguments) => TryAsync(() => Database.ExecuteAsync(command, arguments));

    public async Task<IReadOnlyDictionary<string, string>> HashAsync(string key)
    {
        HashEntry[] entries = [];
        await TryAsync(async () =>
        {
            entries = await Database.HashGetAllAsync(key);
            return 0;
        });
        return entries.ToDictionary(entry => (string)entry.Name!, entry => (string)entry.Value!);
    }

    /// <summary>Members of a sorted set with more than that score.</summary>
    public Task<long> CountAsync(string key, double above) => TryAsync(() => Database.SortedSetLengthAsync(key, above, double.PositiveInfinity, Exclude.Start));

    public void Dispose()
    {
        if (_redis.IsValueCreated)
        {
            _redis.Value.Dispose();
        }
    }

    // After a restart of the server the connection needs a moment.
    private static async Task<T> TryAsync<T>(Func<Task<T>> call)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                return await call().WaitAsync(TimeSpan.FromSeconds(2));
            }
            catch (Exception exception) when (tries < TriesMax && exception is RedisConnectionException or RedisTimeoutException or TimeoutException)
            {
                await Task.Delay(s_pause);
            }
            catch (RedisServerException exception) when (tries < TriesMax && exception.Message.StartsWith("LOADING", StringComparison.Ordinal))
            {
                await Task.Delay(s_pause);
            }
        }
    }
}
