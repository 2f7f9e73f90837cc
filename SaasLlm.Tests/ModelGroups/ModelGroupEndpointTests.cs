using Microsoft.Extensions.DependencyInjection;
using SaasLlm.Core.ModelGroups;
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
    [InlineData("\"timeout_seconds\":0", "timeout_seconds")]
    [InlineData("\"timeout_seconds\":3601", "timeout_seconds")]
    [InlineData("\"timeout_seconds\":\"30\"", "timeout_seconds")]
    [InlineData("\"timeout_seconds\":30,\"deadline_seconds\":20", "timeout_seconds")]
    [InlineData("\"deadline_seconds\":7201", "deadline_seconds")]
    [InlineData("\"max_attempts\":0", "max_attempts")]
    [InlineData("\"max_attempts\":1.5", "max_attempts")]
    [InlineData("\"default_temperature\":2.1", "default_temperature")]
    [InlineData("\"default_temperature\":1,\"max_temperature\":0.9", "default_temperature")]
    [InlineData("\"max_temperature\":-1", "max_temperature")]
    [InlineData("\"default_output_tokens\":0", "default_output_tokens")]
    [InlineData("\"default_output_tokens\":11,\"max_output_tokens\":10", "default_output_tokens")]
    [InlineData("\"max_output_tokens\":10000001", "max_output_tokens")]
    [InlineData("\"allowed_fields\":\"top_k\"", "allowed_fields")]
    [InlineData("\"allowed_fields\":[\"\"]", "allowed_fields")]
    [InlineData("\"allowed_fields\":[\"fallbacks\"]", "allowed_fields")]
    [InlineData("\"allowed_tools\":[1]", "allowed_tools")]
    [InlineData("\"allow_any_address\":1", "allow_any_address")]
    [InlineData("\"content_policy\":\"ignore\"", "content_policy")]
    [InlineData("\"same_vectors\":\"yes\"", "same_vectors")]
    [InlineData("\"timeout\":30", "timeout")]
    public async Task A_setting_that_is_wrong_is_named_when_it_is_set(string setting, string name)
    {
        var group = await api.CreateGroupAsync("a");
        foreach (var answer in new[]
        {
            await api.Operator.PostAsync("/api/model-groups/create", $$$"""{"group_name":"G","models":[{"model_name":"a"}],"settings":{{{{setting}}}}}"""),
            await api.Operator.PutAsync($"/api/model-groups/{group}", $$$"""{"settings":{{{{setting}}}}}"""),
        })
        {
            Assert.Equal([$"settings.{name}"], answer.Is(422, "request.invalid").RefusedFields);
        }

        Assert.Equal("{}", (await api.Operator.GetAsync($"/api/model-groups/{group}")).Is(200)["settings"]!.ToJsonString());
    }

    [Fact]
    public async Task A_model_may_be_at_a_gateway_of_the_configuration_and_at_no_other()
    {
        var name = ApiFixture.Unique("Group");
        var models = """[{"model_name":"a","priority":0,"is_active":true,"gateway":"vllm"},{"model_name":"a","priority":1,"is_active":true}]""";
        var created = (await api.Operator.PostAsync("/api/model-groups/create", $$"""{"group_name":"{{name}}","models":{{models}}}""")).Is(200);
        Assert.Equal(models, created["models"]!.ToJsonString());

        foreach (var wrong in new[] { """[{"model_name":"a","gateway":"ollama"}]""", """[{"model_name":"a","gateway":"vllm"},{"model_name":"a","gateway":"VLLM"}]""" })
        {
            foreach (var answer in new[]
            {
                await api.Operator.PostAsync("/api/model-groups/create", $$"""{"group_name":"G","models":{{wrong}}}"""),
                await api.Operator.PutAsync($"/api/model-groups/{name}", $$"""{"models":{{wrong}}}"""),
                await api.Operator.PutAsync($"/api/model-groups/{name}/models", wrong),
            })
            {
                Assert.Equal(["models"], answer.Is(422, "request.invalid").RefusedFields);
            }
        }

        Assert.Equal(models, (await api.Operator.GetAsync($"/api/model-groups/{name}")).Is(200)["models"]!.ToJsonString());
    }

    [Fact]
    public async Task Resolving_keeps_each_models_gateway()
    {
        var name = ApiFixture.Unique("Group");
        (await api.Operator.PostAsync("/api/model-groups/create",
            $$"""{"group_name":"{{name}}","models":[{"model_name":"a","gateway":"vllm"},{"model_name":"b"}]}""")).Is(200);
        var team = await api.CreateTeamAsync(groups: name);

        var resolver = api.First.Services.GetRequiredService<IModelGroupResolver>();
        var group = (await resolver.ResolveAsync(team.Id, name, default)).Value;

        Assert.Equal([new("a", "vllm"), new ResolvedModel("b")], group.Models);
    }

    [Fact]
    public async Task The_settings_are_in_the_document()
    {
        var schemas = (await api.Operator.GetAsync("/openapi/v1.json")).Is(200)["components"]!["schemas"]!;
        foreach (var name in new[] { "CreateModelGroupRequest", "UpdateModelGroupRequest", "ModelGroupResponse" })
        {
            var settings = schemas[name]!["properties"]!["settings"]!;
            Assert.Equal(GroupSetting.All.Keys.Order(StringComparer.Ordinal), settings["properties"]!.AsObject().Select(member => member.Key));
            Assert.False((bool)settings["additionalProperties"]!);
            Assert.Equal((0.1m, 3600m), ((decimal)settings["properties"]!["timeout_seconds"]!["minimum"]!, (decimal)settings["properties"]!["timeout_seconds"]!["maximum"]!));
        }
    }

    [Fact]
    public async Task Every_setting_at_once()
    {
        var name = ApiFixture.Unique("Group");
        var settings = ApiAnswer.Compact("""
            {"same_vectors": true, "max_attempts": 2, "allowed_tools": ["web_search"], "allowed_fields": ["top_k"], "content_policy": "next",
             "max_temperature": 1, "timeout_seconds": 0.5, "deadline_seconds": 60, "allow_any_address": true, "max_output_tokens": 4000,
             "default_temperature": 0.2, "default_output_tokens": null}
            """);
        var created = (await api.Operator.PostAsync(
            "/api/model-groups/create", $$"""{"group_name":"{{name}}","models":[{"model_name":"a"}],"settings":{{settings}}}""")).Is(200);
        Assert.True(System.Text.Json.Nodes.JsonNode.DeepEquals(System.Text.Json.Nodes.JsonNode.Parse(settings), created["settings"]));
    }

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
