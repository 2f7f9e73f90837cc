using SaasLlm.Core.Common;
using SaasLlm.Tests.Credits;
using StackExchange.Redis;

namespace SaasLlm.Tests.Common;

/// <summary>Scripts are asked for by their hash.</summary>
public sealed class RedisScriptTests(LedgerStores stores) : IClassFixture<LedgerStores>
{
    [Fact]
    public async Task A_script_that_redis_does_not_know_is_answered_and_known_from_then_on()
    {
        using var redis = await ConnectionMultiplexer.ConnectAsync(stores.Redis);
        var database = redis.GetDatabase();
        // Redis has never seen it, and no other test is disturbed as it would be by SCRIPT FLUSH.
        var script = new RedisScript($"return KEYS[1] .. ':' .. ARGV[1] -- {Guid.NewGuid()}");

        for (var turn = 1; turn <= 3; turn++)
        {
            Assert.Equal($"key:{turn}", (string?)await script.EvaluateAsync(database, ["key"], [turn]));
        }
    }

    [Fact]
    public async Task An_error_of_the_script_itself_is_not_run_again()
    {
        using var redis = await ConnectionMultiplexer.ConnectAsync(stores.Redis);
        var database = redis.GetDatabase();
        RedisKey counter = $"counter:{Guid.NewGuid()}";
        var script = new RedisScript("redis.call('INCR', KEYS[1]) return redis.error_reply('NO: ' .. ARGV[1])");

        for (var turn = 1; turn <= 2; turn++)
        {
            await Assert.ThrowsAsync<RedisServerException>(() => script.EvaluateAsync(database, [counter], ["wrong"]));
            Assert.Equal(turn, (int)await database.StringGetAsync(counter));
        }
    }
}
