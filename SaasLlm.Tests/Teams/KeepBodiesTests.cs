using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using SaasLlm.Core.Llm.Bodies;
using SaasLlm.Core.Llm.Calls;
using SaasLlm.Core.Teams;
using SaasLlm.Tests.Access;

namespace SaasLlm.Tests.Teams;

/// <summary>Whether the bodies of a team's calls are kept is the team's to say, and the operator's.</summary>
[Collection(ApiTests.Name)]
public sealed class KeepBodiesTests(ApiFixture api)
{
    [Fact]
    public async Task It_is_off_and_the_team_and_the_operator_switch_it()
    {
        var team = await api.CreateTeamAsync();
        var (path, client) = ($"/api/teams/{team.Id}", api.First.As(team.Key));
        Assert.Null((await client.GetAsync(path)).Is(200)["keep_bodies_days"]);

        Assert.Equal(90, (int)(await client.PutAsync($"{path}/call-bodies", """{"keep_days":90}""")).Is(200)["keep_bodies_days"]!);
        Assert.Equal(90, (int)(await client.PutAsync($"{path}/call-bodies", "{}")).Is(200)["keep_bodies_days"]!);
        Assert.Equal(1, (int)(await api.Operator.PutAsync($"{path}/call-bodies", """{"keep_days":1}""")).Is(200)["keep_bodies_days"]!);
        (await api.Operator.PutAsync(path, """{"team_alias":"Other","limits":{}}""")).Is(200);
        Assert.Equal(1, (int)(await client.GetAsync(path)).Is(200)["keep_bodies_days"]!);
        Assert.Null((await client.PutAsync($"{path}/call-bodies", """{"keep_days":null}""")).Is(200)["keep_bodies_days"]);

        (await api.Operator.PutAsync($"/api/teams/{ApiFixture.Unique("none")}/call-bodies", """{"keep_days":1}""")).Is(404, "team.not_found");
        (await api.Operator.PutAsync($"{path}/suspend")).Is(200);
        (await client.PutAsync($"{path}/call-bodies", """{"keep_days":1}""")).Is(403, "team.suspended");
    }

    [Theory]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("91")]
    public async Task It_is_from_1_to_90_days(string days)
    {
        var team = await api.CreateTeamAsync();

        var refused = await api.First.As(team.Key).PutAsync($"/api/teams/{team.Id}/call-bodies", $$"""{"keep_days":{{days}}}""");

        Assert.Equal(["keep_days"], refused.Is(422, "request.invalid").RefusedFields);
    }

    [Fact]
    public async Task It_travels_with_the_key_and_a_change_reaches_the_other_replica()
    {
        var team = await api.CreateTeamAsync();
        var keys = api.Second.Services.GetRequiredService<ITeamKeyAuthenticator>();
        var teams = api.Second.Services.GetRequiredService<TeamLimits>();
        await api.WaitForFeedsAsync();
        Assert.Null((await keys.FindAsync(team.Key, default))!.KeepBodiesDays);
        Assert.Null(await teams.KeepBodiesDaysAsync(team.Id, default));

        (await api.First.As(team.Key).PutAsync($"/api/teams/{team.Id}/call-bodies", """{"keep_days":30}""")).Is(200);

        await ApiFixture.SpreadsAsync(async () => (await keys.FindAsync(team.Key, default))!.KeepBodiesDays == 30);
        await ApiFixture.SpreadsAsync(async () => await teams.KeepBodiesDaysAsync(team.Id, default) == 30);
    }

    // A host stops its services from the last to the first.
    [Fact]
    public void What_running_calls_leave_is_written_after_them()
    {
        var services = api.First.Services.GetServices<IHostedService>().ToList();

        var (queue, calls) = (services.FindIndex(service => service is CallBodyQueue), services.FindIndex(service => service is RunningCalls));
        Assert.InRange(queue, 0, calls - 1);
    }
}
