namespace SaasLlm.Tests.Access;

/// <summary>What one replica changes, the other obeys within a second: with Redis, without it, with it hung, and when it comes back.</summary>
[Collection(SteadyApiTests.Name)]
public sealed class ReplicaTests(SteadyApiFixture api)
{
    private static readonly TimeSpan s_within = TimeSpan.FromSeconds(1);

    public enum Redis
    {
        Well,
        Cut,
        Frozen,
        CutForTheOther,
    }

    [Theory]
    [InlineData(Redis.Well)]
    [InlineData(Redis.Cut)]
    [InlineData(Redis.Frozen)]
    [InlineData(Redis.CutForTheOther)]
    public Task A_change_is_obeyed_everywhere_within_a_second(Redis redis) => WithAsync(redis, async () =>
    {
        var (changed, withdrawn) = (await api.CreateGroupAsync("old"), await api.CreateGroupAsync());
        var team = await api.CreateTeamAsync(100, null, changed, withdrawn);
        var suspended = await api.CreateTeamAsync();
        var revoked = await api.CreateTeamAsync();
        var (other, otherSuspended, otherRevoked) = (api.Second.Operator, api.Second.As(suspended.Key), api.Second.As(revoked.Key));

        // The other replica knows all of it.
        Assert.Equal("old", await PrimaryAsync(changed, team));
        (await other.GetAsync($"/api/model-groups/{withdrawn}/resolve?team_id={team.Id}")).Is(200);
        (await otherSuspended.PostAsync($"/api/teams/{suspended.Id}/keys/generate")).Is(200);
        (await otherRevoked.GetAsync($"/api/teams/{revoked.Id}")).Is(200);

        (await api.Operator.PutAsync($"/api/model-groups/{changed}/models", """[{"model_name":"new"}]""")).Is(200);
        (await api.Operator.PutAsync($"/api/teams/{team.Id}/model-groups", $"[\"{changed}\"]")).Is(200);
        (await api.Operator.PutAsync($"/api/teams/{suspended.Id}/suspend")).Is(200);
        (await api.Operator.DeleteAsync($"/api/teams/{revoked.Id}/keys/{revoked.KeyId}")).Is(204);
        if (redis == Redis.Well)
        {
            // What is in memory does not grow old here: it is forgotten because the other heard of the change.
            await api.UntilHeardAsync(async () => (await otherRevoked.GetAsync($"/api/teams/{revoked.Id}")).Status == 401
                && (await otherSuspended.PostAsync($"/api/teams/{suspended.Id}/keys/generate")).Status == 403
                && (await other.GetAsync($"/api/model-groups/{withdrawn}/resolve?team_id={team.Id}")).Status == 404
                && await PrimaryAsync(changed, team) == "new");
        }
        else
        {
            api.Move(s_within);
        }

        (await otherRevoked.GetAsync($"/api/teams/{revoked.Id}")).Is(401);
        (await otherSuspended.PostAsync($"/api/teams/{suspended.Id}/keys/generate")).Is(403, "team.suspended");
        (await other.GetAsync($"/api/model-groups/{withdrawn}/resolve?team_id={team.Id}")).Is(404, "model_group.not_found");
        Assert.Equal("new", await PrimaryAsync(changed, team));
    });

    // The value that Redis held before it went must not come back with it.
    [Fact]
    public async Task What_changed_while_redis_was_away_stays_changed_when_it_is_back()
    {
        var group = await api.CreateGroupAsync("old");
        var team = await api.CreateTeamAsync(groups: group);
        Assert.Equal("old", await PrimaryAsync(group, team));
        await WithAsync(Redis.Cut, async () =>
            (await api.Operator.PutAsync($"/api/model-groups/{group}/models", """[{"model_name":"new"}]""")).Is(200));
        Assert.Equal("new", await PrimaryAsync(group, team));
    }

    private async Task<string> PrimaryAsync(string group, TestTeam team)
        => (string)(await api.Second.Operator.GetAsync($"/api/model-groups/{group}/resolve?team_id={team.Id}")).Is(200)["primary_model"]!;

    private async Task WithAsync(Redis redis, Func<Task> test)
    {
        await api.WaitForFeedsAsync();
        TcpProxy[] wires = redis == Redis.CutForTheOther ? [api.SecondRedis] : [api.FirstRedis, api.SecondRedis];
        try
        {
            foreach (var wire in wires)
            {
                if (redis == Redis.Frozen)
                {
                    wire.Freeze();
                }
                else if (redis != Redis.Well)
                {
                    wire.Cut();
                }
            }

            await test();
        }
        finally
        {
            api.FirstRedis.Mend();
            api.SecondRedis.Mend();
            await api.WaitForFeedsAsync();
        }
    }
}
