using SaasLlm.Tests.Access;

namespace SaasLlm.Tests.Platform.Idempotency;

/// <summary>A POST with an Idempotency-Key, on two replicas and real stores.</summary>
[Collection(ApiTests.Name)]
public sealed class IdempotencyKeyTests(ApiFixture api)
{
    private const string Job = """{"job_type":"test"}""";

    private static string Key() => ApiFixture.Unique("key");

    [Fact]
    public async Task A_repeat_gets_the_same_answer_and_does_nothing()
    {
        var team = await api.CreateTeamAsync(credits: 3);
        var key = Key();

        var first = (await api.First.As(team.Key).PostOnceAsync("/api/jobs/create", Job, key)).Is(200);
        var again = (await api.Second.As(team.Key).PostOnceAsync("/api/jobs/create", Job, key)).Is(200);

        Assert.Equal((null, "true"), (first.Replayed, again.Replayed));
        Assert.Equal((first.Text, first.ContentType), (again.Text, again.ContentType));
        Assert.Equal(1, await JobsAsync(team));
        var other = (await api.First.As(team.Key).PostOnceAsync("/api/jobs/create", Job, Key())).Is(200);
        Assert.NotEqual((string)first["job_id"]!, (string)other["job_id"]!);
    }

    [Fact]
    public async Task Another_body_or_query_under_the_same_key_is_409()
    {
        var team = await api.CreateTeamAsync(credits: 3);
        var (client, key) = (api.First.As(team.Key), Key());
        (await client.PostOnceAsync("/api/jobs/create", Job, key)).Is(200);

        (await client.PostOnceAsync("/api/jobs/create", """{"job_type":"other"}""", key)).Is(409, "idempotency.key_reused");
        (await client.PostOnceAsync("/api/jobs/create", Job + " ", key)).Is(409, "idempotency.key_reused");
        (await client.PostOnceAsync("/api/jobs/create?x=1", Job, key)).Is(409, "idempotency.key_reused");
        Assert.Equal(1, await JobsAsync(team));

        var checkKey = Key();
        var check = $"/api/credits/teams/{team.Id}/check";
        Assert.True((bool)(await client.PostOnceAsync(check + "?credits_needed=2", null, checkKey)).Is(200)["has_credits"]!);
        (await client.PostOnceAsync(check + "?credits_needed=9", null, checkKey)).Is(409, "idempotency.key_reused");
        Assert.Equal("true", (await client.PostOnceAsync(check + "?credits_needed=2", null, checkKey)).Is(200).Replayed);
    }

    [Fact]
    public async Task Callers_with_the_same_key_do_not_meet()
    {
        var (one, two) = (await api.CreateTeamAsync(credits: 3), await api.CreateTeamAsync(credits: 3));
        var key = Key();

        var first = (await api.First.As(one.Key).PostOnceAsync("/api/jobs/create", Job, key)).Is(200);
        var second = (await api.First.As(two.Key).PostOnceAsync("/api/jobs/create", Job, key)).Is(200);
        var third = (await api.Operator.PostOnceAsync("/api/jobs/create", $$"""{"job_type":"test","team_id":"{{one.Id}}"}""", key)).Is(200);

        Assert.Equal((null, null, null), (first.Replayed, second.Replayed, third.Replayed));
        Assert.Equal((one.Id, two.Id, one.Id), ((string)first["team_id"]!, (string)second["team_id"]!, (string)third["team_id"]!));
        Assert.Equal((2, 1), (await JobsAsync(one), await JobsAsync(two)));
    }

    // A client that rotates its key between two tries is the same caller.
    [Fact]
    public async Task A_teams_keys_are_one_caller()
    {
        var team = await api.CreateTeamAsync(credits: 3);
        var key = Key();
        var first = (await api.First.As(team.Key).PostOnceAsync("/api/jobs/create", Job, key)).Is(200);
        var rotated = (await api.Operator.PostAsync($"/api/teams/{team.Id}/keys/{team.KeyId}/rotate", """{"overlap_seconds":0}""")).Is(200);

        var again = (await api.Second.As((string)rotated["virtual_key"]!).PostOnceAsync("/api/jobs/create", Job, key)).Is(200);

        Assert.Equal((first.Text, "true"), (again.Text, again.Replayed));
    }

    [Fact]
    public async Task Routes_and_their_values_with_the_same_key_do_not_meet()
    {
        var team = await api.CreateTeamAsync(credits: 3);
        var (client, key) = (api.First.As(team.Key), Key());
        var one = (string)(await client.PostOnceAsync("/api/jobs/create", Job, key)).Is(200)["job_id"]!;
        var two = (string)(await client.PostAsync("/api/jobs/create", Job)).Is(200)["job_id"]!;

        var completed = (await client.PostOnceAsync($"/api/jobs/{one}/complete", """{"status":"completed"}""", key)).Is(200);
        var other = (await client.PostOnceAsync($"/api/jobs/{two}/complete", """{"status":"completed"}""", key)).Is(200);
        var cancelled = (await client.PostOnceAsync($"/api/jobs/{two}/cancel", null, key)).Is(409, "job.ended");

        Assert.Equal((null, null, null), (completed.Replayed, other.Replayed, cancelled.Replayed));
        Assert.Equal((one, two), ((string)completed["job_id"]!, (string)other["job_id"]!));
    }

    [Theory]
    [InlineData("")]
    [InlineData("two words")]
    [InlineData("del\u007f")]
    [InlineData("tab\there")]
    public async Task A_key_that_is_none_is_400(string key)
    {
        var team = await api.CreateTeamAsync(credits: 1);

        (await api.First.As(team.Key).PostOnceAsync("/api/jobs/create", Job, key)).Is(400, "idempotency.invalid_key");

        Assert.Equal(0, await JobsAsync(team));
    }

    [Fact]
    public async Task A_key_has_1_to_255_characters_and_is_sent_once()
    {
        var team = await api.CreateTeamAsync(credits: 3);
        var client = api.First.As(team.Key);

        (await client.PostOnceAsync("/api/jobs/create", Job, new string('~', 255))).Is(200);
        (await client.PostOnceAsync("/api/jobs/create", Job, "!")).Is(200);
        (await client.PostOnceAsync("/api/jobs/create", Job, new string('k', 256))).Is(400, "idempotency.invalid_key");
        (await client.SendAsync(HttpMethod.Post, "/api/jobs/create", Job, "one", "two")).Is(400, "idempotency.invalid_key");

        Assert.Equal(2, await JobsAsync(team));
    }

    [Fact]
    public async Task Other_methods_ignore_the_header()
    {
        var team = await api.CreateTeamAsync();
        var path = $"/api/teams/{team.Id}";
        var before = await KeysAsync();

        (await api.Operator.SendAsync(HttpMethod.Get, path, null, "no key")).Is(200);
        (await api.Operator.SendAsync(HttpMethod.Put, path, """{"team_alias":"One"}""", "k")).Is(200);
        Assert.Equal("Two", (string)(await api.Operator.SendAsync(HttpMethod.Put, path, """{"team_alias":"Two"}""", "k")).Is(200)["team_alias"]!);
        (await api.Operator.SendAsync(HttpMethod.Delete, $"{path}/keys/{team.KeyId}", null, "k", "k")).Is(204);

        Assert.Equal(before, await KeysAsync());
    }

    [Fact]
    public async Task A_refusal_is_an_answer_too()
    {
        var team = await api.CreateTeamAsync(credits: 0);
        var (client, key) = (api.First.As(team.Key), Key());

        var refused = (await client.PostOnceAsync("/api/jobs/create", Job, key)).Is(402, "credits.insufficient");
        (await api.Operator.PostAsync($"/api/credits/teams/{team.Id}/add", """{"credits":5}""")).Is(200);
        var again = (await client.PostOnceAsync("/api/jobs/create", Job, key)).Is(402, "credits.insufficient");

        Assert.Equal((refused.Text, "application/problem+json", "true"), (again.Text, again.ContentType, again.Replayed));
        (await client.PostOnceAsync("/api/jobs/create", Job, Key())).Is(200);

        var invalid = Key();
        (await client.PostOnceAsync("/api/jobs/create", "{}", invalid)).Is(422);
        Assert.Equal("true", (await client.PostOnceAsync("/api/jobs/create", "{}", invalid)).Is(422).Replayed);
    }

    [Fact]
    public async Task Nothing_is_stored_for_a_caller_who_is_not_let_in()
    {
        var team = await api.CreateTeamAsync();
        var before = await KeysAsync();

        (await api.First.As("sk-wrong").PostOnceAsync("/api/jobs/create", Job, Key())).Is(401);
        (await api.First.As(team.Key).PostOnceAsync($"/api/credits/teams/{team.Id}/add", """{"credits":5}""", Key())).Is(403, "access.forbidden");
        (await api.First.As(team.Key).PostOnceAsync("/api/nothing/there", "{}", Key())).Is(404, "route.not_found");
        (await api.Operator.PostOnceAsync("/api/organizations", "{}", Key())).Is(405);

        Assert.Equal(before, await KeysAsync());
    }

    private Task<int> JobsAsync(TestTeam team) => api.ScalarAsync<int>("SELECT count(*)::int FROM jobs WHERE team_id = $1", team.Id);

    private Task<int> KeysAsync() => api.ScalarAsync<int>("SELECT count(*)::int FROM idempotency_keys");
}
