using Microsoft.Extensions.DependencyInjection;
using SaasLlm.Core.Teams;
using SaasLlm.Tests.Access;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.Teams;

[Collection(ApiTests.Name)]
public sealed class LimitSettingsTests(ApiFixture api)
{
    private const string None = """{"requests_per_minute":null,"tokens_per_minute":null,"parallel_calls":null}""";

    [Fact]
    public async Task A_team_is_made_with_its_limits_and_they_are_replaced_as_a_whole()
    {
        var id = ApiFixture.Unique("team");
        (await api.Operator.PostAsync("/api/teams/create", $$$"""
            {"organization_id":"{{{await api.CreateOrganizationAsync()}}}","team_id":"{{{id}}}","limits":{"requests_per_minute":60,"tokens_per_minute":100000000000,"parallel_calls":5}}
            """)).Is(200);
        Assert.Equal("""{"requests_per_minute":60,"tokens_per_minute":100000000000,"parallel_calls":5}""", await LimitsAsync(id));

        (await api.Operator.PutAsync($"/api/teams/{id}", """{"team_alias":"Other"}""")).Is(200);
        Assert.Equal("""{"requests_per_minute":60,"tokens_per_minute":100000000000,"parallel_calls":5}""", await LimitsAsync(id));

        (await api.Operator.PutAsync($"/api/teams/{id}", """{"limits":{"parallel_calls":2}}""")).Is(200);
        Assert.Equal("""{"requests_per_minute":null,"tokens_per_minute":null,"parallel_calls":2}""", await LimitsAsync(id));

        (await api.Operator.PutAsync($"/api/teams/{id}", """{"limits":{}}""")).Is(200);
        Assert.Equal(None, await LimitsAsync(id));
    }

    [Fact]
    public async Task A_key_is_made_with_limits_changed_by_its_team_and_rotated_with_them()
    {
        var team = await api.CreateTeamAsync();
        var client = api.First.As(team.Key);
        await WallClock.NextIdAsync();
        var made = (await client.PostAsync($"/api/teams/{team.Id}/keys/generate", """{"name":"ci","limits":{"requests_per_minute":7}}""")).Is(200);

        var changed = (await client.PutAsync($"/api/teams/{team.Id}/keys/{made["key_id"]}", """{"name":"build"}""")).Is(200);
        Assert.Equal("build", (string)changed["name"]!);
        Assert.Equal("""{"requests_per_minute":7,"tokens_per_minute":null,"parallel_calls":null}""", changed["limits"]!.ToJsonString());
        changed = (await client.PutAsync($"/api/teams/{team.Id}/keys/{made["key_id"]}", """{"limits":{"tokens_per_minute":900}}""")).Is(200);
        Assert.Equal("""{"requests_per_minute":null,"tokens_per_minute":900,"parallel_calls":null}""", changed["limits"]!.ToJsonString());
        Assert.Equal("build", (string)changed["name"]!);

        await WallClock.NextIdAsync();
        (await client.PostAsync($"/api/teams/{team.Id}/keys/{made["key_id"]}/rotate")).Is(200);
        var listed = (await client.GetAsync($"/api/teams/{team.Id}/keys")).Is(200)["items"]!.AsArray();
        Assert.Equal(
            ["""{"requests_per_minute":null,"tokens_per_minute":900,"parallel_calls":null}""", """{"requests_per_minute":null,"tokens_per_minute":900,"parallel_calls":null}""", None],
            listed.Select(key => key!["limits"]!.ToJsonString()));
        (await client.PutAsync($"/api/teams/{team.Id}/keys/{Guid.Empty}", "{}")).Is(404, "team_key.not_found");
        (await api.Operator.PutAsync($"/api/teams/{team.Id}/suspend")).Is(200);
        (await client.PutAsync($"/api/teams/{team.Id}/keys/{team.KeyId}", """{"limits":{}}""")).Is(403, "team.suspended");
    }

    [Theory]
    [InlineData("requests_per_minute", "0")]
    [InlineData("requests_per_minute", "-1")]
    [InlineData("requests_per_minute", "1000000001")]
    [InlineData("tokens_per_minute", "0")]
    [InlineData("tokens_per_minute", "1000000000001")]
    [InlineData("parallel_calls", "0")]
    [InlineData("parallel_calls", "1000000001")]
    public async Task A_limit_is_1_or_more(string field, string value)
    {
        var team = await api.CreateTeamAsync();
        var body = $$$"""{"organization_id":"{{{team.OrganizationId}}}","limits":{"{{{field}}}":{{{value}}} } }""";
        ApiAnswer[] answers =
        [
            await api.Operator.PostAsync("/api/teams/create", body),
            await api.Operator.PutAsync($"/api/teams/{team.Id}", body),
            await api.Operator.PostAsync($"/api/teams/{team.Id}/keys/generate", body),
            await api.Operator.PutAsync($"/api/teams/{team.Id}/keys/{team.KeyId}", body),
        ];

        Assert.All(answers, answer => Assert.Equal([$"limits.{field}"], answer.Is(422, "request.invalid").RefusedFields));
    }

    [Fact]
    public async Task Limits_travel_with_the_key_and_a_change_reaches_the_other_replica()
    {
        var team = await api.CreateTeamAsync();
        var keys = api.Second.Services.GetRequiredService<ITeamKeyAuthenticator>();
        var teams = api.Second.Services.GetRequiredService<TeamLimits>();
        await api.WaitForFeedsAsync();
        Assert.Equal(default, (await keys.FindAsync(team.Key, default))!.TeamLimits);
        Assert.Equal(default, await teams.OfAsync(team.Id, default));

        (await api.Operator.PutAsync($"/api/teams/{team.Id}", """{"limits":{"requests_per_minute":3,"tokens_per_minute":4,"parallel_calls":5}}""")).Is(200);
        (await api.Operator.PutAsync($"/api/teams/{team.Id}/keys/{team.KeyId}", """{"limits":{"requests_per_minute":1,"parallel_calls":2}}""")).Is(200);

        await ApiFixture.SpreadsAsync(async () =>
            await keys.FindAsync(team.Key, default) is { } caller && (caller.TeamLimits, caller.KeyLimits) == (new RateLimits(3, 4, 5), new RateLimits(1, null, 2)));
        await ApiFixture.SpreadsAsync(async () => await teams.OfAsync(team.Id, default) == new RateLimits(3, 4, 5));
    }

    private async Task<string> LimitsAsync(string team) => (await api.Operator.GetAsync($"/api/teams/{team}")).Is(200)["limits"]!.ToJsonString();
}
