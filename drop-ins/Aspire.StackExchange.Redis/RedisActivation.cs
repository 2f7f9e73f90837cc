using global::StackExchange.Redis;
using Microsoft.Extensions.Hosting;

namespace Aspire.StackExchange.Redis;

/// <summary>Connects at start, for <see cref="StackExchangeRedisSettings.DisableAutoActivation"/> = false.</summary>
internal sealed class RedisActivation(IConnectionMultiplexer redis) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        _ = redis;
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
