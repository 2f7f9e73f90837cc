using Microsoft.Extensions.DependencyInjection;
using SaasLlm.Core.Common;
using SaasLlm.Core.ModelGroups;
using SaasLlm.Tests.Access;
using SaasLlm.Tests.Infrastructure;
using StackExchange.Redis;

namespace SaasLlm.Tests.ModelGroups;

[Collection(ApiTests.Name)]
public sealed class LeasedRedisCacheTests(ApiFixture api)
{
    private readonly LeasedRedisCache _first = new(PatientCalls(api.First), TimeProvider.System, () => true);
    private readonly LeasedRedisCache _second = new(PatientCalls(api.Second), TimeProvider.System, () => true);
    private readonly LeasedRedisCache _afterABreak = new(PatientCalls(api.Second), TimeProvider.System, () => false);
    private readonly string _name = $"{{group:{ApiFixture.Unique("cache")}}}";

    [Fact]
    public async Task What_one_replica_fills_another_reads()
    {
        await api.WaitForFeedsAsync();
        await _first.FillAsync(_name, await _first.ReadAsync(_name), "value");
        Assert.Equal("value", (await _second.ReadAsync(_name)).Value);
    }

    [Fact]
    public async Task After_a_break_old_values_are_not_read_and_are_replaced()
    {
        await api.WaitForFeedsAsync();
        await _first.FillAsync(_name, await _first.ReadAsync(_name), "old");
        var lease = await _afterABreak.ReadAsync(_name);
        Assert.Null(lease.Value);
        await _afterABreak.FillAsync(_name, lease, "new");
        Assert.Equal("new", (await _first.ReadAsync(_name)).Value);
    }

    // A reader asks Postgres, is slow, and meanwhile the group changes: its old value must not be stored.
    [Fact]
    public async Task A_slow_fill_does_not_put_an_old_value_over_a_change()
    {
        await api.WaitForFeedsAsync();
        var slow = await _first.ReadAsync(_name);
        Assert.True(await _second.ForgetAsync(_name));
        await _first.FillAsync(_name, slow, "old");
        var after = await _second.ReadAsync(_name);
        Assert.Null(after.Value);

        await _second.FillAsync(_name, after, "new");
        await _first.FillAsync(_name, slow, "old");
        Assert.Equal("new", (await _first.ReadAsync(_name)).Value);
    }

    // A replica gives Redis 250 ms and then does without: what is stored is the question here, not how fast.
    private static RedisCalls PatientCalls(Replica replica)
        => new(replica.Services.GetRequiredService<IConnectionMultiplexer>(), new StandingTime(pauseMax: TimeSpan.Zero));
}
