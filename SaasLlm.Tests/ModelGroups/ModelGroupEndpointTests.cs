using SaasLlm.Tests.Access;

namespace SaasLlm.Tests.ModelGroups;

[Collection(ApiTests.Name)]
public sealed class ModelGroupEndpointTests(ApiFixture api)
{
    [Fact]
    public async Task Creates_and_reads_a_group_with_its_models_by_priority()
    {
        var name = ApiFixture.Unique("Group");
        var created = (await api.Operator.PostAsync("/api/model-groups/create", $$$"""
            {"group_name":"{{{name}}}","display_name":"Resume analysis","description":"Reads resumes","kind":"chat",
             "models":[{"model_name":"b","priority":1},{"model_name":"a","priority":0,"is_active":false}],"settings":{"timeout_seconds":30}}
            """)).Is(200);
        Assert.Equal(
            ApiAnswer.Compact($$$"""
                {"group_name":"{{{name}}}","display_name":"Resume analysis","description":"Reads resumes","kind":"chat","status":"active",
                 "models":[{"model_name":"a","priority":0,"is_active":false},{"model_name":"b","priority":1,"is_active":true}],
                 "settings":{"timeout_seconds": 30}}
                """),
            created.Without("created_at", "updated_at"));
        Assert.Equal(created.Text, (await api.Operator.GetAsync($"/api/model-groups/{name}")).Is(200).Text);
        (await api.Operator.PostAsync("/api/model-groups/create", $$"""{"group_name":"{{name}}","models":[{"model_name":"a"}]}"""))
            .Is(409, "model_group.exists");
    }

    [Fact]
    public async Task The_place_in_the_list_is_the_priority_where_none_is_given()
    {
        var name = ApiFixture.Unique("Group");
        var created = (await api.Operator.PostAsync("/api/model-groups/create",
            $$"""{"group_name":"{{name}}","models":[{"model_name":"first"},{"model_name":"second"}]}""")).Is(200);
        Assert.Equal(
            """[{"model_name":"first","priority":0,"is_active":true},{"model_name":"second","priority":1,"is_active":true}]""",
            created["models"]!.ToJsonString());
        Assert.Equal((name, "chat"), ((string)created["display_name"]!, (string)created["kind"]!));
    }

    [Theory]
    [InlineData("""{"group_name":"G"}""", "models")]
    [InlineData("""{"group_name":"G","models":[]}""", "models")]
    [InlineData("""{"group_name":"G","models":[null]}""", "models")]
    [InlineData("""{"group_name":"G","models":[{"model_name":"a","priority":0},{"model_name":"b","priority":0}]}""", "models")]
    [InlineData("""{"group_name":"G","models":[{"model_name":"a","priority":1},{"model_name":"b"}]}""", "models")]
    [InlineData("""{"group_name":"G","models":[{"model_name":"a"},{"model_name":"a"}]}""", "models")]
    [InlineData("""{"group_name":"G","models":[{"model_name":"a","priority":-1}]}""", "models")]
    [InlineData("""{"group_name":"G","models":[{"model_name":"a b"}]}""", "models")]
    [InlineData("""{"group_name":"G","models":[{"priority":0}]}""", "models")]
    [InlineData("""{"group_name":"a/b","models":[{"model_name":"a"}]}""", "group_name")]
    [InlineData("""{"models":[{"model_name":"a"}]}""", "group_name")]
    [InlineData("""{"group_name":"G","kind":"image","models":[{"model_name":"a"}]}""", "kind")]
    [InlineData("""{"group_name":"G","settings":[],"models":[{"model_name":"a"}]}""", "settings")]
    public async Task Refuses_what_is_not_valid(string body, string field)
        => Assert.Equal([field], (await api.Operator.PostAsync("/api/model-groups/create", body)).Is(422, "request.invalid").RefusedFields);

    [Theory]
    [InlineData("""{"group_name":"G","models":[{"model_name":"a","priority":1e99}]}""")]
    [InlineData("""{"group_name":"G","models":[{"model_name":"a","priority":0.5}]}""")]
    [InlineData("""{"group_name":"G","models":[{"model_name":"a","priority":"0"}]}""")]
    [InlineData("""{"group_name":"G","models":{"model_name":"a"}}""")]
    public async Task Refuses_what_cannot_be_read(string body)
        => (await api.Operator.PostAsync("/api/model-groups/create", body)).Is(400, "request.malformed");

    [Fact]
    public async Task Replaces_the_models_by_a_bare_array()
    {
        var name = await api.CreateGroupAsync("a", "b");
        var changed = (await api.Operator.PutAsync($"/api/model-groups/{name}/models",
            """[{"model_name":"b","priority":0},{"model_name":"c","priority":5}]""")).Is(200);
        Assert.Equal(
            """[{"model_name":"b","priority":0,"is_active":true},{"model_name":"c","priority":5,"is_active":true}]""",
            changed["models"]!.ToJsonString());
        Assert.Equal(["models"], (await api.Operator.PutAsync($"/api/model-groups/{name}/models", "[]")).Is(422).RefusedFields);
        (await api.Operator.PutAsync($"/api/model-groups/{name}/models", """{"models":[]}""")).Is(400);
        Assert.Equal(changed.Text, (await api.Operator.GetAsync($"/api/model-groups/{name}")).Text);
    }

    [Fact]
    public async Task Changes_only_what_is_named()
    {
        var name = await api.CreateGroupAsync("a");
        var changed = (await api.Operator.PutAsync($"/api/model-groups/{name}",
            """{"display_name":"New","kind":"embedding","models":[{"model_name":"z"}]}""")).Is(200);
        Assert.Equal(
            ApiAnswer.Compact($$$"""
                {"group_name":"{{{name}}}","display_name":"New","description":"","kind":"embedding","status":"active",
                 "models":[{"model_name":"z","priority":0,"is_active":true}],"settings":{}}
                """),
            changed.Without("created_at", "updated_at"));
        Assert.Equal(["status"], (await api.Operator.PutAsync($"/api/model-groups/{name}", """{"status":"gone"}""")).Is(422).RefusedFields);
    }

    [Fact]
    public async Task What_is_not_there_is_404()
    {
        (await api.Operator.GetAsync("/api/model-groups/none")).Is(404, "model_group.not_found");
        (await api.Operator.PutAsync("/api/model-groups/none", """{"status":"active"}""")).Is(404, "model_group.not_found");
        (await api.Operator.PutAsync("/api/model-groups/none/models", """[{"model_name":"a"}]""")).Is(404, "model_group.not_found");
        (await api.Operator.DeleteAsync("/api/model-groups/none")).Is(404, "model_group.not_found");
    }

    [Fact]
    public async Task Lists_by_name_with_filters()
    {
        var chat = await api.CreateGroupAsync();
        var embedding = await api.CreateGroupAsync();
        (await api.Operator.PutAsync($"/api/model-groups/{embedding}", """{"kind":"embedding","status":"inactive"}""")).Is(200);

        var found = await NamesAsync("kind=embedding&status=inactive&limit=200");
        Assert.Contains(embedding, found);
        Assert.DoesNotContain(chat, found);
        Assert.Equal(found.Order(StringComparer.Ordinal).Count(), found.Length);
        Assert.Equal(["kind"], (await api.Operator.GetAsync("/api/model-groups?kind=x")).Is(422).RefusedFields);
    }

    [Fact]
    public async Task Resolves_for_a_team_as_a_call_would()
    {
        var group = await api.CreateGroupAsync("a", "b", "c");
        var team = await api.CreateTeamAsync(groups: group);
        (await api.Operator.PutAsync($"/api/model-groups/{group}/models",
            """[{"model_name":"c","priority":2},{"model_name":"b","priority":1,"is_active":false},{"model_name":"a","priority":0}]""")).Is(200);

        var resolved = (await api.Operator.GetAsync($"/api/model-groups/{group}/resolve?team_id={team.Id}")).Is(200);
        Assert.Equal(
            $$"""{"group_name":"{{group}}","team_id":"{{team.Id}}","kind":"chat","primary_model":"a","fallbacks":["c"],"models":["a","c"]}""",
            resolved.Text);

        var other = await api.CreateTeamAsync();
        (await api.Operator.GetAsync($"/api/model-groups/{group}/resolve?team_id={other.Id}")).Is(404, "model_group.not_found");
        (await api.Operator.GetAsync($"/api/model-groups/none/resolve?team_id={team.Id}")).Is(404, "model_group.not_found");
        Assert.Equal(["team_id"], (await api.Operator.GetAsync($"/api/model-groups/{group}/resolve")).Is(422).RefusedFields);

        (await api.Operator.PutAsync($"/api/model-groups/{group}", """{"status":"inactive"}""")).Is(200);
        (await api.Operator.GetAsync($"/api/model-groups/{group}/resolve?team_id={team.Id}")).Is(404, "model_group.not_found");
    }

    [Fact]
    public async Task Deleting_a_group_takes_it_from_its_teams_also_when_the_name_is_used_again()
    {
        var group = await api.CreateGroupAsync();
        var team = await api.CreateTeamAsync(groups: group);
        (await api.Operator.GetAsync($"/api/model-groups/{group}/resolve?team_id={team.Id}")).Is(200);

        (await api.Operator.DeleteAsync($"/api/model-groups/{group}")).Is(204);
        Assert.Equal("[]", (await api.Operator.GetAsync($"/api/teams/{team.Id}"))["model_groups"]!.ToJsonString());
        (await api.Operator.PostAsync("/api/model-groups/create", $$"""{"group_name":"{{group}}","models":[{"model_name":"a"}]}""")).Is(200);
        (await api.Operator.GetAsync($"/api/model-groups/{group}/resolve?team_id={team.Id}")).Is(404, "model_group.not_found");
    }

    [Fact]
    public async Task Two_replacements_at_once_leave_one_of_them_whole()
    {
        var group = await api.CreateGroupAsync();
        await Task.WhenAll(Enumerable.Range(0, 20).Select(async n =>
            (await api.Operator.PutAsync($"/api/model-groups/{group}/models",
                $$"""[{"model_name":"a{{n}}","priority":0},{"model_name":"b{{n}}","priority":1}]""")).Is(200)));

        var models = (await api.Operator.GetAsync($"/api/model-groups/{group}"))["models"]!.AsArray();
        Assert.Equal(2, models.Count);
        Assert.Equal(((string)models[0]!["model_name"]!)[1..], ((string)models[1]!["model_name"]!)[1..]);
    }

    private async Task<string[]> NamesAsync(string query)
        => [.. (await api.Operator.GetAsync("/api/model-groups?" + query)).Is(200)["items"]!.AsArray().Select(item => (string)item!["group_name"]!)];
}
