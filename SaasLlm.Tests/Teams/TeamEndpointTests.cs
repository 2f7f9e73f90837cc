using SaasLlm.Tests.Access;

namespace SaasLlm.Tests.Teams;

[Collection(ApiTests.Name)]
public sealed class TeamEndpointTests(ApiFixture api)
{
    [Fact]
    public async Task Creates_a_team_with_credits_groups_and_a_key_that_works()
    {
        var organization = await api.CreateOrganizationAsync();
        var (one, two) = (await api.CreateGroupAsync(), await api.CreateGroupAsync());
        var id = ApiFixture.Unique("team");
        var created = (await api.Operator.PostAsync("/api/teams/create", $$$"""
            {"organization_id":"{{{organization}}}","team_id":"{{{id}}}","team_alias":"HR","model_groups":["{{{two}}}","{{{one}}}"],
             "credits_allocated":100.250000,"metadata":{"department":"HR"}}
            """)).Is(200);

        string[] groups = [one, two];
        Array.Sort(groups, StringComparer.Ordinal);
        Assert.Equal(
            ApiAnswer.Compact($$"""
                {"team_id":"{{id}}","organization_id":"{{organization}}","team_alias":"HR","model_groups":["{{groups[0]}}","{{groups[1]}}"],
                 "credits_allocated":100.25,"credits_remaining":100.25,"message":"Team created. Keep the virtual key: it is not shown again."}
                """),
            created.Without("key_id", "virtual_key"));
        var key = (string)created["virtual_key"]!;
        Assert.Matches("^sk-[A-Za-z0-9_-]{43}$", key);

        var read = (await api.First.As(key).GetAsync($"/api/teams/{id}")).Is(200);
        Assert.Equal(
            ApiAnswer.Compact($$$"""
                {"team_id":"{{{id}}}","organization_id":"{{{organization}}}","team_alias":"HR","status":"active",
                 "model_groups":["{{{groups[0]}}}","{{{groups[1]}}}"],"credits_allocated":100.25,"credits_used":0,"credits_held":0,
                 "credits_remaining":100.25,"credits_available":100.25,
                 "limits":{"requests_per_minute":null,"tokens_per_minute":null,"parallel_calls":null},"keep_bodies_days":null,"metadata":{"department":"HR"}}
                """),
            read.Without("created_at", "updated_at"));

        Assert.Equal("pending", await api.ScalarAsync<string>("SELECT state FROM team_gateway_keys WHERE team_id = $1", id));
        Assert.Equal(
            "allocation|1|100.250000|0.000000|100.250000",
            await api.ScalarAsync<string>(
                "SELECT concat_ws('|', kind, sequence, amount, credits_before, credits_after) FROM credit_transactions WHERE team_id = $1", id));
    }

    [Fact]
    public async Task A_team_without_credits_or_id_begins_empty()
    {
        var organization = await api.CreateOrganizationAsync();
        var created = (await api.Operator.PostAsync("/api/teams/create", $$"""{"organization_id":"{{organization}}","team_alias":"T"}""")).Is(200);
        var id = (string)created["team_id"]!;
        Assert.Matches("^team_[0-9a-f]{32}$", id);
        Assert.Equal("0", created["credits_remaining"]!.ToJsonString());
        Assert.Equal(0L, await api.ScalarAsync<long>("SELECT count(*) FROM credit_transactions WHERE team_id = $1", id));
    }

    [Fact]
    public async Task An_id_that_exists_is_409_and_changes_nothing()
    {
        var team = await api.CreateTeamAsync(10);
        (await api.Operator.PostAsync("/api/teams/create",
            $$"""{"organization_id":"{{team.OrganizationId}}","team_id":"{{team.Id}}","team_alias":"Other","credits_allocated":7}"""))
            .Is(409, "team.exists");
        var read = await api.Operator.GetAsync($"/api/teams/{team.Id}");
        Assert.Equal(("Team", 10m), ((string)read["team_alias"]!, (decimal)read["credits_allocated"]!));
        Assert.Equal(1L, await api.ScalarAsync<long>("SELECT count(*) FROM team_keys WHERE team_id = $1", team.Id));
    }

    [Fact]
    public async Task Of_twenty_that_create_one_id_at_once_one_wins()
    {
        var organization = await api.CreateOrganizationAsync();
        var id = ApiFixture.Unique("team");
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => api.Operator.PostAsync("/api/teams/create",
            $$"""{"organization_id":"{{organization}}","team_id":"{{id}}","team_alias":"T","credits_allocated":5}""")));
        Assert.Single(answers, answer => answer.Status == 200);
        Assert.Equal(19, answers.Count(answer => answer.Status == 409 && answer.Code == "team.exists"));
        Assert.Equal(5m, (decimal)(await api.Operator.GetAsync($"/api/teams/{id}"))["credits_allocated"]!);
    }

    [Fact]
    public async Task An_unknown_organization_or_group_is_404_and_makes_nothing()
    {
        var organization = await api.CreateOrganizationAsync();
        var group = await api.CreateGroupAsync();
        var id = ApiFixture.Unique("team");
        (await api.Operator.PostAsync("/api/teams/create", $$"""{"organization_id":"nobody","team_id":"{{id}}","team_alias":"T"}"""))
            .Is(404, "organization.not_found");
        var refused = (await api.Operator.PostAsync("/api/teams/create",
            $$"""{"organization_id":"{{organization}}","team_id":"{{id}}","team_alias":"T","model_groups":["{{group}}","NoSuch"]}"""))
            .Is(404, "model_group.not_found");
        Assert.Equal("""["NoSuch"]""", refused["model_groups"]!.ToJsonString());
        (await api.Operator.GetAsync($"/api/teams/{id}")).Is(404, "team.not_found");
    }

    [Theory]
    [InlineData("""{"team_alias":"T"}""", "organization_id")]
    [InlineData("""{"organization_id":"o","team_id":"a.b"}""", "team_id")]
    [InlineData("""{"organization_id":"o","team_alias":""}""", "team_alias")]
    [InlineData("""{"organization_id":"o","credits_allocated":-1}""", "credits_allocated")]
    [InlineData("""{"organization_id":"o","credits_allocated":1000000001}""", "credits_allocated")]
    [InlineData("""{"organization_id":"o","credits_allocated":0.0000001}""", "credits_allocated")]
    [InlineData("""{"organization_id":"o","model_groups":["a","a"]}""", "model_groups")]
    [InlineData("""{"organization_id":"o","model_groups":[null]}""", "model_groups")]
    [InlineData("""{"organization_id":"o","model_groups":["a b"]}""", "model_groups")]
    public async Task Refuses_what_is_not_valid(string body, string field)
        => Assert.Equal([field], (await api.Operator.PostAsync("/api/teams/create", body)).Is(422, "request.invalid").RefusedFields);

    [Theory]
    [InlineData("""{"organization_id":"o","credits_allocated":1e400}""")]
    [InlineData("""{"organization_id":"o","credits_allocated":"5"}""")]
    [InlineData("""{"organization_id":"o","credits_allocated":NaN}""")]
    [InlineData("""{"organization_id":"o","model_groups":"a"}""")]
    public async Task Refuses_what_cannot_be_read(string body)
        => (await api.Operator.PostAsync("/api/teams/create", body)).Is(400, "request.malformed");

    [Fact]
    public async Task A_gateway_that_fails_or_hangs_does_not_keep_a_team_from_being_made()
    {
        try
        {
            foreach (var fault in new Func<string, CancellationToken, Task<bool>>[]
            {
                (_, _) => Task.FromResult(false),
                (_, _) => throw new HttpRequestException("down"),
                (_, _) => new TaskCompletionSource<bool>().Task, // obeys no cancellation
            })
            {
                api.Gateway.Provision = fault;
                var team = await api.CreateTeamAsync();
                (await api.First.As(team.Key).GetAsync($"/api/teams/{team.Id}")).Is(200);
            }
        }
        finally
        {
            api.Gateway.Provision = (_, _) => Task.FromResult(true);
        }
    }

    [Fact]
    public async Task Changes_alias_and_metadata()
    {
        var team = await api.CreateTeamAsync();
        var changed = (await api.Operator.PutAsync($"/api/teams/{team.Id}", """{"team_alias":"New"}""")).Is(200);
        Assert.Equal(("New", "{}"), ((string)changed["team_alias"]!, changed["metadata"]!.ToJsonString()));
        changed = (await api.Operator.PutAsync($"/api/teams/{team.Id}", """{"metadata":{"x":1}}""")).Is(200);
        Assert.Equal(("New", """{"x":1}"""), ((string)changed["team_alias"]!, changed["metadata"]!.ToJsonString()));
        (await api.Operator.PutAsync("/api/teams/nobody", """{"team_alias":"New"}""")).Is(404, "team.not_found");
    }

    [Fact]
    public async Task Replaces_groups_by_a_bare_array()
    {
        var (one, two) = (await api.CreateGroupAsync(), await api.CreateGroupAsync());
        var team = await api.CreateTeamAsync(groups: one);
        Assert.Equal($"[\"{two}\"]", (await api.Operator.PutAsync($"/api/teams/{team.Id}/model-groups", $"[\"{two}\"]")).Is(200)["model_groups"]!.ToJsonString());
        (await api.Operator.PutAsync($"/api/teams/{team.Id}/model-groups", $"[\"{one}\",\"NoSuch\"]")).Is(404, "model_group.not_found");
        Assert.Equal($"[\"{two}\"]", (await api.Operator.GetAsync($"/api/teams/{team.Id}"))["model_groups"]!.ToJsonString());
        Assert.Equal("[]", (await api.Operator.PutAsync($"/api/teams/{team.Id}/model-groups", "[]")).Is(200)["model_groups"]!.ToJsonString());
        (await api.Operator.PutAsync("/api/teams/nobody/model-groups", "[]")).Is(404, "team.not_found");
        Assert.Equal(["model_groups"], (await api.Operator.PutAsync($"/api/teams/{team.Id}/model-groups", """["a","a"]""")).Is(422).RefusedFields);
    }

    [Fact]
    public async Task Suspends_and_resumes_any_number_of_times()
    {
        var team = await api.CreateTeamAsync();
        foreach (var (verb, status) in new[] { ("suspend", "suspended"), ("suspend", "suspended"), ("resume", "active"), ("resume", "active") })
        {
            Assert.Equal(status, (string)(await api.Operator.PutAsync($"/api/teams/{team.Id}/{verb}")).Is(200)["status"]!);
        }

        (await api.Operator.PutAsync("/api/teams/nobody/suspend")).Is(404, "team.not_found");
        (await api.Operator.PutAsync("/api/teams/nobody/resume")).Is(404, "team.not_found");
    }

    [Fact]
    public async Task Lists_with_filters_and_cursor()
    {
        var organization = await api.CreateOrganizationAsync();
        var group = await api.CreateGroupAsync();
        var first = await api.CreateTeamAsync(1, organization, group);
        var second = await api.CreateTeamAsync(2, organization);
        (await api.Operator.PutAsync($"/api/teams/{second.Id}/suspend")).Is(200);

        Assert.Equal([first.Id], await IdsAsync($"organization_id={organization}&status=active"));
        Assert.Equal([second.Id], await IdsAsync($"organization_id={organization}&status=suspended"));
        Assert.Equal([first.Id], await IdsAsync($"model_group={group}"));

        var page = (await api.Operator.GetAsync($"/api/teams?organization_id={organization}&limit=1")).Is(200);
        var rest = (await api.Operator.GetAsync($"/api/teams?organization_id={organization}&cursor={(string)page["next_cursor"]!}")).Is(200);
        string[] expected = [first.Id, second.Id];
        Assert.Equal(expected.Order(), Ids(page).Concat(Ids(rest)).Order());
        Assert.Single(Ids(page));
        Assert.Single(Ids(rest));
        Assert.Equal(["status"], (await api.Operator.GetAsync("/api/teams?status=x")).Is(422).RefusedFields);
    }

    private static string[] Ids(ApiAnswer page) => [.. page["items"]!.AsArray().Select(item => (string)item!["team_id"]!)];

    private async Task<string[]> IdsAsync(string query) => Ids((await api.Operator.GetAsync("/api/teams?" + query)).Is(200));
}
