using Microsoft.Extensions.DependencyInjection;
using SaasLlm.Core.Pricing;
using SaasLlm.Tests.Access;

namespace SaasLlm.Tests.Pricing;

/// <summary>A price is stated at one replica, and another one hears of it.</summary>
[Collection(SteadyApiTests.Name)]
public sealed class PriceNoticeTests(SteadyApiFixture api)
{
    // What is in memory does not grow old here: without a notice the other would go on with the old version.
    [Fact]
    public async Task Another_replica_hears_of_a_price_and_open_jobs_keep_theirs()
    {
        await api.WaitForFeedsAsync();
        var model = ApiFixture.Unique("model");
        (await api.Operator.PutAsync($"/api/prices/models/{model}", """{"input_usd_per_million":1,"output_usd_per_million":1}""")).Is(200);
        var team = await api.CreateTeamAsync();
        var job = (string)(await api.First.As(team.Key).PostAsync("/api/jobs/create", """{"job_type":"test"}""")).Is(200)["job_id"]!;
        var kept = (long)(await api.Operator.GetAsync($"/api/jobs/{job}/costs")).Is(200)["price_version"]!;
        var other = api.Second.Services.GetRequiredService<IPriceBook>();
        Assert.Equal(new(1m, 1m), await other.FindAsync(model, kept, default));
        Assert.Equal(kept, await HearsOfAsync(kept));

        (await api.Operator.PutAsync($"/api/prices/models/{model}", """{"input_usd_per_million":2,"output_usd_per_million":2}""")).Is(200);
        var newest = await HearsOfAsync(kept + 1);

        Assert.Equal(kept + 1, newest);
        Assert.Equal(new(2m, 2m), await other.FindAsync(model, newest, default));
        Assert.Equal(new(1m, 1m), await other.FindAsync(model, kept, default));
        Assert.Equal(kept, (long)(await api.Operator.GetAsync($"/api/jobs/{job}/costs")).Is(200)["price_version"]!);

        async Task<long> HearsOfAsync(long version)
        {
            await api.UntilHeardAsync(async () => await other.NewestAsync(default) >= version);
            return await other.NewestAsync(default);
        }
    }
}
