using SaasLlm.Tests.Access;

namespace SaasLlm.Tests.Credits.Refills;

/// <summary>A refill as the operator sets it and the team reads it.</summary>
[Collection(ApiTests.Name)]
public sealed class RefillEndpointTests(ApiFixture api)
{
    [Fact]
    public async Task It_is_set_shown_in_the_balance_and_switched_off()
    {
        var team = await api.CreateTeamAsync(5);
        var path = $"/api/credits/teams/{team.Id}/configure-auto-refill";
        Assert.Null((await Balance())["auto_refill"]);
        Assert.Equal($$"""{"team_id":"{{team.Id}}","auto_refill":null}""", (await api.Operator.PostAsync(path, """{"enabled":false}""")).Is(200).Text);
        (await api.Operator.PostAsync(path, """{"enabled":true,"period":"daily"}""")).Is(400, "credits.refill_incomplete");

        var set = (await api.Operator.PostAsync(path, """{"enabled":true,"period":"monthly","credits":150.5,"mode":"up_to","expires":true,"cost_basis_usd":12.5}""")).Is(200)["auto_refill"]!;

        Assert.Equal(
            (true, "monthly", "up_to", 150.5m, true, null, null),
            ((bool)set["enabled"]!, (string)set["period"]!, (string)set["mode"]!, (decimal)set["credits"]!, (bool)set["expires"]!, set["last_refill_at"], set["last_credits"]));
        var start = (DateTimeOffset)set["starts_at"]!;
        Assert.Equal((1, TimeSpan.Zero, start), (start.Day, start.TimeOfDay, (DateTimeOffset)set["next_refill_at"]!));
        Assert.Equal(12.5m, (decimal)set["cost_basis_usd"]!);
        Assert.Equal(set.ToJsonString(), (await api.Operator.GetAsync($"/api/credits/teams/{team.Id}/balance")).Is(200)["auto_refill"]!.ToJsonString());
        Assert.True(set.AsObject().Remove("cost_basis_usd"));
        Assert.Equal(set.ToJsonString(), (await Balance())["auto_refill"]!.ToJsonString());

        var off = (await api.Operator.PostAsync(path, """{"enabled":false}""")).Is(200)["auto_refill"]!;
        Assert.Equal((false, null), ((bool)off["enabled"]!, off["next_refill_at"]));
        (await api.First.As(team.Key).PostAsync(path, """{"enabled":false}""")).Is(403, "access.forbidden");

        async Task<ApiAnswer> Balance() => (await api.First.As(team.Key).GetAsync($"/api/credits/teams/{team.Id}/balance")).Is(200);
    }

    [Theory]
    [InlineData("{}", "enabled")]
    [InlineData("""{"enabled":true,"period":"hourly","credits":1}""", "period")]
    [InlineData("""{"enabled":true,"period":"daily","credits":0}""", "credits")]
    [InlineData("""{"enabled":true,"period":"daily","credits":0.0000001}""", "credits")]
    [InlineData("""{"enabled":true,"period":"daily","credits":1,"cost_basis_usd":-1}""", "cost_basis_usd")]
    [InlineData("""{"enabled":true,"period":"daily","credits":1,"mode":"down_to"}""", "mode")]
    public async Task What_is_wrong_is_said(string body, string field)
    {
        var refused = (await api.Operator.PostAsync("/api/credits/teams/none/configure-auto-refill", body)).Is(422);
        Assert.Equal([field], refused.RefusedFields);
    }
}
