using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Npgsql;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.Hosting;

/// <summary>What the AppHost puts together, as a whole.</summary>
public sealed class AppTests(AppFixture fixture)
{
    [Fact]
    public async Task The_api_is_healthy_and_names_what_it_checked()
    {
        var app = await fixture.AppAsync();

        var answer = await HealthAsync(app.Api, health => (string)health["status"]! == "healthy");

        Assert.Equal((HttpStatusCode.OK, "application/json"), (answer.Status, answer.ContentType));
        Assert.True(JsonNode.DeepEquals(
            JsonNode.Parse("""{"status":"healthy","service":"saas-llm-api","checks":{"database":"healthy","redis":"healthy","gateway":"healthy"}}"""), answer.Body));
    }

    [Fact]
    public async Task Without_redis_a_replica_stays_in_service_and_says_degraded()
    {
        var app = await fixture.AppAsync();
        await using var replica = await app.StartApiAsync(new Dictionary<string, string>
        {
            ["ConnectionStrings__redis"] = "127.0.0.1:1,connectTimeout=200",
        });

        var (status, _, body) = await HealthAsync(replica.Client, health => (string)health["checks"]!["database"]! == "healthy");

        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal("degraded", (string)body["status"]!);
        Assert.Equal("degraded", (string)body["checks"]!["redis"]!);
        Assert.Equal("healthy", (string)body["checks"]!["database"]!);
    }

    [Fact]
    public async Task Gateways_of_the_configuration_reach_the_api()
    {
        var app = await fixture.AppAsync();

        var answer = await app.Operator.PostAsync("/api/model-groups/create", JsonContent.Create(new
        {
            group_name = $"Group_{Guid.NewGuid():N}",
            models = new[] { new { model_name = "a", gateway = "nowhere" } },
        }));

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Fact]
    public async Task Each_test_class_can_have_an_empty_migrated_database()
    {
        var stores = await fixture.StoresAsync();

        var (one, other) = (await stores.CreateDatabaseAsync(), await stores.CreateDatabaseAsync());

        Assert.NotEqual(one, other);
        await using var source = NpgsqlDataSource.Create(one);
        await using var command = source.CreateCommand("SELECT count(*) FROM organizations");
        Assert.Equal(0L, await command.ExecuteScalarAsync());
    }

    // A check that was slow just now, on a busy machine, is asked again.
    private static async Task<(HttpStatusCode Status, string? ContentType, JsonNode Body)> HealthAsync(HttpClient client, Func<JsonNode, bool> isExpected)
    {
        for (var tries = 1; ; tries++)
        {
            using var answer = await client.GetAsync("/health");
            var body = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
            if (isExpected(body) || tries == 60)
            {
                return (answer.StatusCode, answer.Content.Headers.ContentType?.ToString(), body);
            }

            await Task.Delay(TimeSpan.FromSeconds(1));
        }
    }
}
