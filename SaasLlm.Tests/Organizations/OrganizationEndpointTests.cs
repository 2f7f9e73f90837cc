using SaasLlm.Tests.Access;

namespace SaasLlm.Tests.Organizations;

[Collection(ApiTests.Name)]
public sealed class OrganizationEndpointTests(ApiFixture api)
{
    [Fact]
    public async Task Creates_reads_and_changes_an_organization()
    {
        var id = ApiFixture.Unique("org");
        var created = (await api.Operator.PostAsync("/api/organizations/create",
            $$$"""{"organization_id":"{{{id}}}","name":"ACME Corporation","metadata":{"plan":"enterprise"}}""")).Is(200);
        Assert.Equal($$$"""{"organization_id":"{{{id}}}","name":"ACME Corporation","metadata":{"plan":"enterprise"}}""",
            created.Without("created_at", "updated_at"));
        Assert.Equal(created.Text, (await api.Operator.GetAsync($"/api/organizations/{id}")).Is(200).Text);

        var changed = (await api.Operator.PutAsync($"/api/organizations/{id}", """{"name":"ACME"}""")).Is(200);
        Assert.Equal($$$"""{"organization_id":"{{{id}}}","name":"ACME","metadata":{"plan":"enterprise"}}""",
            changed.Without("created_at", "updated_at"));
        changed = (await api.Operator.PutAsync($"/api/organizations/{id}", """{"metadata":{"a":1}}""")).Is(200);
        Assert.Equal($$$"""{"organization_id":"{{{id}}}","name":"ACME","metadata":{"a":1}}""", changed.Without("created_at", "updated_at"));
    }

    [Fact]
    public async Task Generates_an_id_where_none_is_given()
    {
        var created = (await api.Operator.PostAsync("/api/organizations/create", """{"name":"No id"}""")).Is(200);
        Assert.Matches("^org_[0-9a-f]{32}$", (string)created["organization_id"]!);
        Assert.Equal("{}", created["metadata"]!.ToJsonString());
    }

    [Fact]
    public async Task An_id_that_exists_is_409_and_changes_nothing()
    {
        var id = await api.CreateOrganizationAsync();
        (await api.Operator.PostAsync("/api/organizations/create", $$"""{"organization_id":"{{id}}","name":"Other"}"""))
            .Is(409, "organization.exists");
        Assert.Equal("Org", (string)(await api.Operator.GetAsync($"/api/organizations/{id}"))["name"]!);
    }

    [Theory]
    [InlineData("""{}""", "name")]
    [InlineData("""{"name":""}""", "name")]
    [InlineData("""{"name":"   "}""", "name")]
    [InlineData("""{"name":"a\nb"}""", "name")]
    [InlineData("""{"name":"a","organization_id":""}""", "organization_id")]
    [InlineData("""{"name":"a","organization_id":"a b"}""", "organization_id")]
    [InlineData("""{"name":"a","organization_id":"a\n"}""", "organization_id")]
    [InlineData("""{"name":"a","organization_id":"ä"}""", "organization_id")]
    [InlineData("""{"name":"a","metadata":[1]}""", "metadata")]
    [InlineData("""{"name":"a","metadata":{"a":"\u0000"}}""", "metadata")]
    [InlineData("""{"name":"a","metadata":{"a\u0000":1}}""", "metadata")]
    [InlineData("""{"name":"a","metadata":{"a":"\ud800"}}""", "metadata")]
    [InlineData("""{"name":"a","metadata":{"a":1e999999}}""", "metadata")]
    public async Task Refuses_what_is_not_valid(string body, string field)
    {
        var refused = (await api.Operator.PostAsync("/api/organizations/create", body)).Is(422, "request.invalid");
        Assert.Equal([field], refused.RefusedFields);
    }

    [Theory]
    [InlineData("""{"name":""")]
    [InlineData("""{"name":1}""")]
    [InlineData("""{"name":"a\u0000b"}""")]
    [InlineData("""{"name":"\udc00"}""")]
    [InlineData("""{"name":"a","name":"b"}""")]
    [InlineData("""[]""")]
    [InlineData("""null and void""")]
    public async Task Refuses_what_cannot_be_read(string body)
        => (await api.Operator.PostAsync("/api/organizations/create", body)).Is(400, "request.malformed");

    [Fact]
    public async Task Names_of_200_characters_pass_and_longer_ones_do_not()
    {
        (await api.Operator.PostAsync("/api/organizations/create", $$"""{"name":"{{new string('n', 200)}}"}""")).Is(200);
        (await api.Operator.PostAsync("/api/organizations/create", $$"""{"name":"{{new string('n', 201)}}"}""")).Is(422);
        (await api.Operator.PostAsync("/api/organizations/create", $$"""{"name":"a","organization_id":"{{new string('n', 65)}}"}""")).Is(422);
    }

    [Fact]
    public async Task What_is_not_there_is_404()
    {
        (await api.Operator.GetAsync("/api/organizations/nobody")).Is(404, "organization.not_found");
        (await api.Operator.PutAsync("/api/organizations/nobody", """{"name":"a"}""")).Is(404, "organization.not_found");
        (await api.Operator.GetAsync("/api/organizations/nobody/teams")).Is(404, "organization.not_found");
        (await api.Operator.GetAsync("/api/organizations/%20%ff%22'")).Is(404, "organization.not_found");
    }

    [Fact]
    public async Task Lists_page_by_cursor_in_both_directions_with_a_filter()
    {
        var marker = ApiFixture.Unique("page");
        foreach (var place in new[] { "b", "a", "c" })
        {
            (await api.Operator.PostAsync("/api/organizations/create",
                $$"""{"organization_id":"{{marker}}_{{place}}","name":"100%_{{marker.ToUpperInvariant()}}"}""")).Is(200);
        }

        var filter = $"name={Uri.EscapeDataString("%_" + marker)}";
        var first = (await api.Operator.GetAsync($"/api/organizations?{filter}&limit=2")).Is(200);
        Assert.Equal([$"{marker}_a", $"{marker}_b"], Ids(first));
        var second = (await api.Operator.GetAsync($"/api/organizations?{filter}&limit=2&cursor={(string)first["next_cursor"]!}")).Is(200);
        Assert.Equal([$"{marker}_c"], Ids(second));
        Assert.Null((string?)second["next_cursor"]);

        var down = (await api.Operator.GetAsync($"/api/organizations?{filter}&limit=1&sort=-organization_id")).Is(200);
        Assert.Equal([$"{marker}_c"], Ids(down));
        down = (await api.Operator.GetAsync(
            $"/api/organizations?{filter}&limit=5&sort=-organization_id&cursor={(string)down["next_cursor"]!}")).Is(200);
        Assert.Equal([$"{marker}_b", $"{marker}_a"], Ids(down));
    }

    [Theory]
    [InlineData("limit=0", "limit")]
    [InlineData("limit=201", "limit")]
    [InlineData("limit=many", "limit")]
    [InlineData("limit=99999999999999999999", "limit")]
    [InlineData("cursor=%2F%2F", "cursor")]
    [InlineData("cursor=", "cursor")]
    [InlineData("sort=name", "sort")]
    public async Task A_list_refuses_what_it_does_not_know(string query, string field)
        => Assert.Equal([field], (await api.Operator.GetAsync("/api/organizations?" + query)).Is(422).RefusedFields);

    [Fact]
    public async Task Lists_an_organizations_teams_and_no_other()
    {
        var team = await api.CreateTeamAsync(5);
        await api.CreateTeamAsync();
        var listed = (await api.Operator.GetAsync($"/api/organizations/{team.OrganizationId}/teams")).Is(200);
        var only = Assert.Single(listed["items"]!.AsArray());
        Assert.Equal(team.Id, (string)only!["team_id"]!);
        Assert.Equal(5, (decimal)only["credits_available"]!);
    }

    private static string[] Ids(ApiAnswer page) => [.. page["items"]!.AsArray().Select(item => (string)item!["organization_id"]!)];
}
