using System.Text.Json.Nodes;
using SaasLlm.Tests.Access;

namespace SaasLlm.Tests.OpenAi;

/// <summary>What an OpenAI client finds under <c>/v1/models</c>: the groups of its team, and no others.</summary>
[Collection(ApiTests.Name)]
public sealed class ModelTests(ApiFixture api)
{
    [Theory]
    [InlineData("/v1/models")]
    [InlineData("/models")]
    [InlineData("/openai/v1/models")]
    [InlineData("/openai/models?api-version=2025-04-01-preview")]
    public async Task The_models_are_the_groups_that_are_granted_and_active(string path)
    {
        var (chat, embedding, inactive, foreign) = (await api.CreateGroupAsync(), await api.CreateGroupAsync(), await api.CreateGroupAsync(), await api.CreateGroupAsync());
        (await api.Operator.PutAsync($"/api/model-groups/{embedding}", """{"kind":"embedding"}""")).Is(200);
        (await api.Operator.PutAsync($"/api/model-groups/{inactive}", """{"status":"inactive"}""")).Is(200);
        var team = await api.CreateTeamAsync(credits: 1, organization: null, chat, embedding, inactive);

        var list = (await api.First.As(team.Key).GetAsync(path)).Is(200);

        Assert.Equal("list", (string)list["object"]!);
        Assert.Equal(
            new[] { (chat, "model", "saasllm", "chat"), (embedding, "model", "saasllm", "embedding") }.Order(),
            list["data"]!.AsArray().Select(model => ((string)model!["id"]!, (string)model["object"]!, (string)model["owned_by"]!, (string)model["mode"]!)));
        Assert.DoesNotContain(foreign, list.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("gpt-4-turbo", list.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_is_found_by_its_id_with_the_time_its_group_was_made()
    {
        var group = await api.CreateGroupAsync();
        var team = await api.CreateTeamAsync(credits: 1, organization: null, group);

        var model = (await api.First.As(team.Key).GetAsync($"/v1/models/{group}")).Is(200);

        Assert.Equal(["id", "object", "created", "owned_by", "mode"], model.Json.AsObject().Select(member => member.Key));
        Assert.Equal(group, (string)model["id"]!);
        Assert.Equal(
            await api.ScalarAsync<long>("SELECT floor(extract(epoch FROM created_at))::bigint FROM model_groups WHERE group_name = $1", group),
            (long)model["created"]!);
    }

    [Theory]
    [InlineData("/v1/models/gpt-5.1")]
    [InlineData("/v1/models/openai%2Fgpt-5.1")]
    [InlineData("/models/openai%2Fgpt-5.1")]
    [InlineData("/v1/models/FOREIGN")]
    public async Task What_is_not_granted_is_not_there(string path)
    {
        var team = await api.CreateTeamAsync(credits: 1);
        var foreign = await api.CreateGroupAsync();

        var answer = (await api.First.As(team.Key).GetAsync(path.Replace("FOREIGN", foreign, StringComparison.Ordinal))).Is(404, "model_group.not_found");

        Assert.Equal("invalid_request_error", (string)answer["error"]!["type"]!);
        Assert.Equal("application/json", answer.ContentType);
    }

    [Fact]
    public async Task The_operator_is_no_team()
    {
        (await api.Operator.GetAsync("/v1/models")).Is(403, "access.team_key_needed");
        (await api.Operator.GetAsync("/v1/models/any")).Is(403, "access.team_key_needed");
    }

    [Theory]
    [InlineData("GET", "/v1/files", 404, "route.not_found")]
    [InlineData("POST", "/v1/files", 404, "route.not_found")]
    [InlineData("POST", "/v1/audio/speech", 404, "route.not_found")]
    [InlineData("POST", "/v1/images/generations", 404, "route.not_found")]
    [InlineData("POST", "/images/generations", 404, "route.not_found")]
    [InlineData("POST", "/openai/deployments/any/audio/transcriptions", 404, "route.not_found")]
    [InlineData("GET", "/openai/files?api-version=2025-04-01-preview", 404, "route.not_found")]
    [InlineData("GET", "/openai/v1/files", 404, "route.not_found")]
    [InlineData("GET", "/openai/deployments", 404, "route.not_found")]
    [InlineData("POST", "/openai/anything/else", 404, "route.not_found")]
    [InlineData("POST", "/openai", 404, "route.not_found")]
    [InlineData("POST", "/v1/batches", 404, "route.not_found")]
    [InlineData("POST", "/v1/assistants", 404, "route.not_found")]
    [InlineData("POST", "/threads/runs", 404, "route.not_found")]
    [InlineData("POST", "/v1/fine_tuning/jobs", 404, "route.not_found")]
    [InlineData("POST", "/moderations", 404, "route.not_found")]
    [InlineData("GET", "/v1/vector_stores", 404, "route.not_found")]
    [InlineData("POST", "/v1/uploads", 404, "route.not_found")]
    [InlineData("GET", "/v1/realtime", 404, "route.not_found")]
    [InlineData("POST", "/v1/conversations", 404, "route.not_found")]
    [InlineData("GET", "/v1/chat/completions", 405, "route.method_not_allowed")]
    [InlineData("POST", "/v1/models", 405, "route.method_not_allowed")]
    [InlineData("DELETE", "/v1/models/any", 405, "route.method_not_allowed")]
    public async Task What_is_not_served_is_said_with_what_is(string method, string path, int status, string code)
    {
        var team = await api.CreateTeamAsync(credits: 1);

        var answer = (await api.First.As(team.Key).SendAsync(new(method), path, method == "POST" ? "{}" : null)).Is(status, code);

        Assert.Equal(["error"], answer.Json.AsObject().Select(member => member.Key));
        var said = (string)answer["error"]!["message"]!;
        Assert.Contains("is not served here", said, StringComparison.Ordinal);
        Assert.Contains("POST /v1/chat/completions", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_that_is_too_large_is_refused_in_the_envelope()
    {
        var team = await api.CreateTeamAsync(credits: 1);
        var body = new JsonObject { ["model"] = "any", ["messages"] = new string('x', 21 * 1024 * 1024) }.ToJsonString();

        var answer = (await api.First.As(team.Key).PostAsync("/v1/chat/completions", body)).Is(413, "request.too_large");

        Assert.Equal("invalid_request_error", (string)answer["error"]!["type"]!);
    }
}
