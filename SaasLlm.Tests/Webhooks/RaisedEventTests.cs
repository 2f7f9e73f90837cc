using SaasLlm.Tests.Access;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.Webhooks;

/// <summary>What the API raises for webhooks, beside the ledger's own.</summary>
[Collection(ApiTests.Name)]
public sealed class RaisedEventTests(ApiFixture api)
{
    [Fact]
    public async Task Suspending_and_resuming_a_team_raises_an_event_each_where_it_changes_something()
    {
        var team = await api.CreateTeamAsync();
        foreach (var action in new[] { "suspend", "suspend", "resume", "resume" })
        {
            (await api.Operator.PutAsync($"/api/teams/{team.Id}/{action}")).Is(200);
            await WallClock.NextIdAsync();
        }

        Assert.Equal(
            $$"""team.suspended {"status": "suspended", "team_id": "{{team.Id}}"} team.resumed {"status": "active", "team_id": "{{team.Id}}"}""",
            await EventsAsync(team, "team.%"));
    }

    [Fact]
    public async Task Rotating_a_key_raises_an_event_without_the_key()
    {
        var team = await api.CreateTeamAsync();

        var rotated = (await api.First.As(team.Key).PostAsync($"/api/teams/{team.Id}/keys/{team.KeyId}/rotate", """{"overlap_seconds":60}""")).Is(200);
        (await api.Operator.PostAsync($"/api/teams/{team.Id}/keys/{team.KeyId}/rotate")).Is(409);

        Assert.Equal(
            $$"""key.rotated {"name": "default", "key_id": "{{rotated["key_id"]}}", "team_id": "{{team.Id}}", "overlap_seconds": 60, "replaced_key_id": "{{team.KeyId}}"}""",
            await EventsAsync(team, "key.%"));
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("\"job.completed\"", "")]
    [InlineData("\"job.created\"", "job.created")]
    [InlineData("\"job.*\"", "job.created")]
    public async Task A_job_that_opens_raises_an_event_where_an_endpoint_asks_for_it(string filter, string raised)
    {
        var team = await api.CreateTeamAsync();
        (await api.Operator.PostAsync("/api/webhooks/register", $$"""{"team_id":"{{team.Id}}","url":"https://example.com/","events":[{{filter}}]}""")).Is(200);

        var job = (await api.First.As(team.Key).PostAsync("/api/jobs/create", """{"job_type":"test","external_task_id":"task"}""")).Is(200)["job_id"];

        var events = await EventsAsync(team, "job.%");
        Assert.StartsWith(raised, events, StringComparison.Ordinal);
        Assert.Equal(raised.Length > 0, events.Contains($"\"job_id\": \"{job}\"", StringComparison.Ordinal));
        Assert.Equal(raised.Length > 0, events.Contains("\"external_task_id\": \"task\"", StringComparison.Ordinal));
    }

    private Task<string> EventsAsync(TestTeam team, string topics) => api.ScalarAsync<string>(
        "SELECT coalesce(string_agg(topic || ' ' || payload::text, ' ' ORDER BY message_id), '') FROM outbox WHERE team_id = $1 AND topic LIKE $2", team.Id, topics);
}
