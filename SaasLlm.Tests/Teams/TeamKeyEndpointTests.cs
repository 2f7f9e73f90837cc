using System.Diagnostics;
using System.Text.Json.Nodes;
using SaasLlm.Tests.Access;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.Teams;

[Collection(ApiTests.Name)]
public sealed class TeamKeyEndpointTests(ApiFixture api)
{
    private static readonly TimeSpan s_short = TimeSpan.FromSeconds(2);

    [Fact]
    public async Task A_generated_key_is_shown_once_and_works_beside_the_first()
    {
        var team = await api.CreateTeamAsync();
        await WallClock.NextIdAsync();
        var issued = (await api.First.As(team.Key).PostAsync($"/api/teams/{team.Id}/keys/generate", """{"name":"ci"}""")).Is(200);
        var key = (string)issued["virtual_key"]!;
        Assert.Equal($$"""{"team_id":"{{team.Id}}","name":"ci","key_prefix":"{{key[..10]}}","expires_at":null}""",
            issued.Without("key_id", "virtual_key", "created_at"));
        (await api.First.As(key).GetAsync($"/api/teams/{team.Id}")).Is(200);
        (await api.First.As(team.Key).GetAsync($"/api/teams/{team.Id}")).Is(200);

        var listed = (await api.First.As(key).GetAsync($"/api/teams/{team.Id}/keys")).Is(200);
        Assert.Equal(["ci", "default"], listed["items"]!.AsArray().Select(item => (string)item!["name"]!));
        Assert.All(listed["items"]!.AsArray(), item => Assert.Equal("active", (string)item!["status"]!));
        Assert.DoesNotContain(key, listed.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(team.Key, listed.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_body_may_be_left_out()
    {
        var team = await api.CreateTeamAsync();
        var issued = (await api.Operator.PostAsync($"/api/teams/{team.Id}/keys/generate")).Is(200);
        Assert.Equal("default", (string)issued["name"]!);
        (await api.Operator.PostAsync($"/api/teams/{team.Id}/keys/{issued["key_id"]}/rotate")).Is(200);
    }

    [Fact]
    public async Task No_key_is_in_the_database_or_in_any_answer_but_its_own()
    {
        var team = await api.CreateTeamAsync();
        var other = (string)(await api.Operator.PostAsync($"/api/teams/{team.Id}/keys/generate")).Is(200)["virtual_key"]!;
        foreach (var key in new[] { team.Key, other })
        {
            var secret = key[12..];
            foreach (var table in new[] { "organizations", "teams", "team_keys", "team_gateway_keys", "team_credits", "credit_transactions", "outbox" })
            {
                Assert.Equal(0L, await api.ScalarAsync<long>($"SELECT count(*) FROM {table} t WHERE t::text LIKE '%' || $1 || '%'", secret));
            }

            foreach (var path in new[] { $"/api/teams/{team.Id}", $"/api/teams/{team.Id}/keys", $"/api/organizations/{team.OrganizationId}/teams" })
            {
                Assert.DoesNotContain(secret, (await api.Operator.GetAsync(path)).Is(200).Text, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task A_revoked_key_is_refused_at_once_and_stays_listed()
    {
        var team = await api.CreateTeamAsync();
        var client = api.First.As(team.Key);
        (await client.GetAsync($"/api/teams/{team.Id}")).Is(200);
        (await client.DeleteAsync($"/api/teams/{team.Id}/keys/{team.KeyId}")).Is(204);
        (await client.GetAsync($"/api/teams/{team.Id}")).Is(401, "access.unauthorized");
        (await api.Operator.DeleteAsync($"/api/teams/{team.Id}/keys/{team.KeyId}")).Is(204);

        var only = Assert.Single((await api.Operator.GetAsync($"/api/teams/{team.Id}/keys")).Is(200)["items"]!.AsArray())!;
        Assert.Equal("revoked", (string)only["status"]!);
        (await api.Operator.PostAsync($"/api/teams/{team.Id}/keys/{team.KeyId}/rotate")).Is(409, "team_key.not_active");
    }

    [Fact]
    public async Task A_rotated_key_is_accepted_until_the_overlap_ends_and_its_successor_at_once()
    {
        var team = await api.CreateTeamAsync();
        var old = api.First.As(team.Key);
        (await old.GetAsync($"/api/teams/{team.Id}")).Is(200);
        await WallClock.NextIdAsync();
        var began = Stopwatch.GetTimestamp();
        var rotated = (await old.PostAsync($"/api/teams/{team.Id}/keys/{team.KeyId}/rotate", """{"overlap_seconds":2}""")).Is(200);
        var fresh = api.First.As((string)rotated["virtual_key"]!);
        (await fresh.GetAsync($"/api/teams/{team.Id}")).Is(200);
        IsAccepted(await old.GetAsync($"/api/teams/{team.Id}"), began);
        (await fresh.PostAsync($"/api/teams/{team.Id}/keys/{team.KeyId}/rotate")).Is(409, "team_key.not_active");

        await Task.Delay(s_short + TimeSpan.FromSeconds(0.1));
        (await old.GetAsync($"/api/teams/{team.Id}")).Is(401);
        (await api.Second.As(team.Key).GetAsync($"/api/teams/{team.Id}")).Is(401);
        (await fresh.GetAsync($"/api/teams/{team.Id}")).Is(200);
        var listed = (await fresh.GetAsync($"/api/teams/{team.Id}/keys")).Is(200)["items"]!.AsArray();
        Assert.Equal(["active", "expired"], listed.Select(item => (string)item!["status"]!));
        Assert.Equal((string)rotated["key_id"]!, (string)listed[1]!["replaced_by"]!);
    }

    [Fact]
    public async Task An_overlap_of_zero_ends_the_old_key_at_once()
    {
        var team = await api.CreateTeamAsync();
        (await api.First.As(team.Key).GetAsync($"/api/teams/{team.Id}")).Is(200);
        (await api.Operator.PostAsync($"/api/teams/{team.Id}/keys/{team.KeyId}/rotate", """{"overlap_seconds":0}""")).Is(200);
        (await api.First.As(team.Key).GetAsync($"/api/teams/{team.Id}")).Is(401);
    }

    [Fact]
    public async Task Of_ten_rotations_of_one_key_at_once_one_wins()
    {
        var team = await api.CreateTeamAsync();
        var answers = await Task.WhenAll(Enumerable.Range(0, 10)
            .Select(_ => api.Operator.PostAsync($"/api/teams/{team.Id}/keys/{team.KeyId}/rotate")));
        Assert.Single(answers, answer => answer.Status == 200);
        Assert.Equal(9, answers.Count(answer => answer.Status == 409));
        Assert.Equal(2L, await api.ScalarAsync<long>("SELECT count(*) FROM team_keys WHERE team_id = $1", team.Id));
    }

    [Fact]
    public async Task A_key_expires_also_where_it_is_cached_and_its_rotation_has_the_same_length_of_life()
    {
        var team = await api.CreateTeamAsync();
        var began = Stopwatch.GetTimestamp();
        var issued = (await api.Operator.PostAsync($"/api/teams/{team.Id}/keys/generate", """{"expires_in_seconds":2}""")).Is(200);
        var client = api.First.As((string)issued["virtual_key"]!);
        IsAccepted(await client.GetAsync($"/api/teams/{team.Id}"), began);
        await Task.Delay(s_short + TimeSpan.FromSeconds(0.1));
        (await client.GetAsync($"/api/teams/{team.Id}")).Is(401);

        var longer = (await api.Operator.PostAsync($"/api/teams/{team.Id}/keys/generate", """{"expires_in_seconds":3600}""")).Is(200);
        var rotated = (await api.Operator.PostAsync($"/api/teams/{team.Id}/keys/{longer["key_id"]}/rotate")).Is(200);
        Assert.Equal(TimeSpan.FromHours(1), Time(rotated["expires_at"]!) - Time(rotated["created_at"]!));
    }

    [Theory]
    [InlineData("generate", """{"expires_in_seconds":0}""", "expires_in_seconds")]
    [InlineData("generate", """{"expires_in_seconds":2147483647}""", "expires_in_seconds")]
    [InlineData("generate", """{"expires_at":"2001-01-01T00:00:00Z"}""", "expires_at")]
    [InlineData("generate", """{"expires_at":"9999-12-31T23:59:59Z"}""", "expires_at")]
    [InlineData("generate", """{"expires_at":"2100-01-01T00:00:00Z","expires_in_seconds":5}""", "expires_at")]
    [InlineData("generate", """{"name":""}""", "name")]
    [InlineData("019c1b2e-7d00-7000-8000-000000000001/rotate", """{"overlap_seconds":-1}""", "overlap_seconds")]
    [InlineData("019c1b2e-7d00-7000-8000-000000000001/rotate", """{"overlap_seconds":2592001}""", "overlap_seconds")]
    public async Task Refuses_what_is_not_valid(string route, string body, string field)
    {
        var team = await api.CreateTeamAsync();
        Assert.Equal([field], (await api.Operator.PostAsync($"/api/teams/{team.Id}/keys/{route}", body)).Is(422).RefusedFields);
    }

    [Fact]
    public async Task What_is_not_there_is_404()
    {
        var team = await api.CreateTeamAsync();
        var other = await api.CreateTeamAsync();
        (await api.Operator.PostAsync("/api/teams/nobody/keys/generate")).Is(404, "team.not_found");
        (await api.Operator.GetAsync("/api/teams/nobody/keys")).Is(404, "team.not_found");
        (await api.Operator.PostAsync($"/api/teams/{team.Id}/keys/{other.KeyId}/rotate")).Is(404, "team_key.not_found");
        (await api.Operator.DeleteAsync($"/api/teams/{team.Id}/keys/{other.KeyId}")).Is(404, "team_key.not_found");
        (await api.Operator.PostAsync($"/api/teams/{team.Id}/keys/not-a-uuid/rotate", "{}")).Is(404);
        (await api.Operator.DeleteAsync($"/api/teams/{team.Id}/keys/not-a-uuid")).Is(404);
        (await api.First.As(other.Key).GetAsync($"/api/teams/{other.Id}")).Is(200);
    }

    [Fact]
    public async Task A_suspended_team_reads_and_revokes_but_makes_no_keys()
    {
        var team = await api.CreateTeamAsync();
        var spare = (await api.Operator.PostAsync($"/api/teams/{team.Id}/keys/generate")).Is(200);
        (await api.Operator.PutAsync($"/api/teams/{team.Id}/suspend")).Is(200);
        var client = api.First.As(team.Key);
        (await client.GetAsync($"/api/teams/{team.Id}/keys")).Is(200);
        (await client.PostAsync($"/api/teams/{team.Id}/keys/generate")).Is(403, "team.suspended");
        (await client.PostAsync($"/api/teams/{team.Id}/keys/{team.KeyId}/rotate")).Is(403, "team.suspended");
        (await client.DeleteAsync($"/api/teams/{team.Id}/keys/{spare["key_id"]}")).Is(204);
        (await api.Operator.PutAsync($"/api/teams/{team.Id}/resume")).Is(200);
        (await client.PostAsync($"/api/teams/{team.Id}/keys/generate")).Is(200);
    }

    [Fact]
    public async Task A_team_has_at_most_a_hundred_keys_in_use()
    {
        var team = await api.CreateTeamAsync();
        for (var n = 0; n < 99; n++)
        {
            (await api.Operator.PostAsync($"/api/teams/{team.Id}/keys/generate")).Is(200);
        }

        (await api.Operator.PostAsync($"/api/teams/{team.Id}/keys/generate")).Is(409, "team_key.limit");
        (await api.Operator.DeleteAsync($"/api/teams/{team.Id}/keys/{team.KeyId}")).Is(204);
        (await api.Operator.PostAsync($"/api/teams/{team.Id}/keys/generate")).Is(200);

        var seen = new HashSet<string>();
        var path = $"/api/teams/{team.Id}/keys?limit=40";
        for (string? cursor = ""; cursor is not null;)
        {
            var page = (await api.Operator.GetAsync(cursor.Length == 0 ? path : $"{path}&cursor={cursor}")).Is(200);
            Assert.All(page["items"]!.AsArray(), item => Assert.True(seen.Add((string)item!["key_id"]!)));
            cursor = (string?)page["next_cursor"];
        }

        Assert.Equal(101, seen.Count);
    }

    // A key whose time began later than that, if the answer came in its time; on a machine that stood still, it may be over.
    private static void IsAccepted(ApiAnswer answer, long began)
    {
        if (Stopwatch.GetElapsedTime(began) < s_short)
        {
            answer.Is(200);
        }
    }

    private static DateTimeOffset Time(JsonNode node)
        => DateTimeOffset.Parse((string)node!, System.Globalization.CultureInfo.InvariantCulture);
}
