using Npgsql;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.Access;

/// <summary>Postgres goes and comes back: 503 meanwhile, never "who are you", never a stack trace.</summary>
[Collection(ApiTests.Name)]
public sealed class StoreGoneTests(ApiFixture api, AppFixture app)
{
    [Fact]
    public async Task Without_postgres_every_area_answers_503_and_works_again_afterwards()
    {
        var team = await api.CreateTeamAsync();
        var there = new NpgsqlConnectionStringBuilder(api.PostgresConnection);
        using var wire = new TcpProxy(there.Host!, there.Port);
        var through = new NpgsqlConnectionStringBuilder(api.PostgresConnection) { Host = "127.0.0.1", Port = wire.Port, Timeout = 60 };
        await using var replica = await Replica.StartAsync(ApiFixture.Settings(through.ConnectionString, (await app.StoresAsync()).Redis));
        (await replica.Operator.GetAsync($"/api/teams/{team.Id}")).Is(200);

        wire.Cut();
        foreach (var path in new[] { "/api/organizations", "/api/model-groups", "/api/teams", $"/api/teams/{team.Id}/keys", $"/api/credits/teams/{team.Id}/balance" })
        {
            (await replica.Operator.GetAsync(path)).Is(503, "store.unavailable");
        }

        (await replica.Operator.PostAsync($"/api/credits/teams/{team.Id}/add", """{"credits":1}""")).Is(503);
        (await replica.Operator.PostAsync("/api/organizations/create", """{"name":"a"}""")).Is(503, "store.unavailable");
        // A key that is not in memory can be neither known nor refused.
        (await replica.As(team.Key).GetAsync($"/api/teams/{team.Id}")).Is(503, "store.unavailable");

        wire.Mend();
        (await replica.As(team.Key).GetAsync($"/api/teams/{team.Id}")).Is(200);
        Assert.Equal(100m, (decimal)(await replica.Operator.GetAsync($"/api/credits/teams/{team.Id}/balance")).Is(200)["credits_remaining"]!);
    }
}
