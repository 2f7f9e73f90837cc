using SaasLlm.Tests.Access;

namespace SaasLlm.Tests.Credits;

[Collection(ApiTests.Name)]
public sealed class ThresholdEndpointTests(ApiFixture api)
{
    [Fact]
    public async Task A_team_sets_its_own_levels_and_the_operator_the_uncharged_cost()
    {
        var team = await api.CreateTeamAsync(10);
        var (own, path) = (api.First.As(team.Key), $"/api/credits/teams/{team.Id}/thresholds");
        Assert.Equal($$"""{"team_id":"{{team.Id}}","low_credits":[]}""", (await own.GetAsync(path)).Is(200).Text);
        Assert.Equal($$"""{"team_id":"{{team.Id}}","low_credits":[8.5,2]}""", (await own.PutAsync(path, """{"low_credits":[2,8.5]}""")).Is(200).Text);
        Assert.Equal($$"""{"team_id":"{{team.Id}}","low_credits":[8.5,2],"uncharged_usd":5}""",
            (await api.Operator.PutAsync(path, """{"uncharged_usd":5}""")).Is(200).Text);
        (await own.PutAsync(path, """{"low_credits":[],"uncharged_usd":null}""")).Is(403, "access.forbidden");
        Assert.Equal($$"""{"team_id":"{{team.Id}}","low_credits":[1]}""", (await own.PutAsync(path, """{"low_credits":[1]}""")).Is(200).Text);
        Assert.Equal($$"""{"team_id":"{{team.Id}}","low_credits":[1],"uncharged_usd":5}""", (await api.Operator.GetAsync(path)).Is(200).Text);
        Assert.Equal($$"""{"team_id":"{{team.Id}}","low_credits":[],"uncharged_usd":null}""",
            (await api.Operator.PutAsync(path, """{"low_credits":[],"uncharged_usd":null}""")).Is(200).Text);
    }

    [Fact]
    public async Task A_level_that_is_crossed_is_an_event_once_each_way()
    {
        var team = await api.CreateTeamAsync(3);
        var own = api.First.As(team.Key);
        (await own.PutAsync($"/api/credits/teams/{team.Id}/thresholds", """{"low_credits":[2,0]}""")).Is(200);
        for (var n = 0; n < 3; n++)
        {
            await own.CompleteJobAsync();
        }

        await api.GrantAsync(team, """{"credits":5}""");
        Assert.Equal("credits.low 0, credits.low 2, credits.recovered 0, credits.recovered 2", await api.ScalarAsync<string>("""
            SELECT string_agg(topic || ' ' || (payload->>'threshold'), ', ' ORDER BY topic, payload->>'threshold')
              FROM outbox WHERE team_id = $1 AND topic IN ('credits.low', 'credits.recovered')
            """, team.Id));
    }

    [Theory]
    [InlineData("""{"low_credits":[-1]}""", "low_credits")]
    [InlineData("""{"low_credits":[1,1.0]}""", "low_credits")]
    [InlineData("""{"low_credits":[0.0000001]}""", "low_credits")]
    [InlineData("""{"low_credits":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21]}""", "low_credits")]
    [InlineData("""{"uncharged_usd":0}""", "uncharged_usd")]
    [InlineData("""{"uncharged_usd":-1}""", "uncharged_usd")]
    [InlineData("""{"uncharged_usd":0.00000000001}""", "uncharged_usd")]
    public async Task Refuses_what_is_not_valid(string body, string field)
        => Assert.Equal([field], (await api.Operator.PutAsync("/api/credits/teams/any/thresholds", body)).Is(422, "request.invalid").RefusedFields);

    [Fact]
    public async Task A_foreign_team_is_404_and_a_suspended_one_only_reads()
    {
        var (team, other) = (await api.CreateTeamAsync(1), await api.CreateTeamAsync(1));
        var own = api.First.As(team.Key);
        (await own.GetAsync($"/api/credits/teams/{other.Id}/thresholds")).Is(404, "team.not_found");
        (await own.PutAsync($"/api/credits/teams/{other.Id}/thresholds", """{"low_credits":[1]}""")).Is(404, "team.not_found");
        (await api.Operator.PutAsync("/api/credits/teams/nobody/thresholds", """{"low_credits":[1]}""")).Is(404, "team.not_found");
        (await api.Operator.PutAsync($"/api/teams/{team.Id}/suspend")).Is(200);
        (await own.PutAsync($"/api/credits/teams/{team.Id}/thresholds", """{"low_credits":[1]}""")).Is(403, "team.suspended");
        (await own.GetAsync($"/api/credits/teams/{team.Id}/thresholds")).Is(200);
    }
}
