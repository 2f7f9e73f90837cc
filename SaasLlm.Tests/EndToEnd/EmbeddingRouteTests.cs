using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.EndToEnd;

/// <summary><c>/v1/embeddings</c> on the running product.</summary>
public sealed class EmbeddingRouteTests(AppFixture fixture)
{
    [Theory]
    [InlineData("\"hello\"", 1)]
    [InlineData("[\"hello\",\"there\"]", 2)]
    [InlineData("[9906,1917]", 1)]
    [InlineData("[[9906],[1917,3]]", 2)]
    public async Task Every_form_of_input_gives_its_vectors_and_is_charged(string input, int vectors)
    {
        var tenant = await ReadyAsync("text-embedding-3-small");

        var answer = (await tenant.Team.PostAsync("/v1/embeddings", $$"""{"model":"{{tenant.Group}}","input":{{input}},"dimensions":4}""")).Is(200);

        Assert.Equal(("list", tenant.Group), ((string)answer["object"]!, (string)answer["model"]!));
        Assert.Equal(vectors, answer["data"]!.AsArray().Count);
        Assert.All(answer["data"]!.AsArray(), item => Assert.Equal(4, item!["embedding"]!.AsArray().Count));
        Assert.True((int)answer["usage"]!["prompt_tokens"]! > 0);
        Assert.Equal(2, (decimal)(await tenant.BalanceAsync())["credits_remaining"]!);
        var job = Assert.Single((await tenant.Team.GetAsync($"/api/teams/{tenant.TeamId}/jobs")).Is(200)["items"]!.AsArray())!;
        Assert.Equal(("completed", "embeddings"), ((string)job["status"]!, (string)job["job_type"]!));
    }

    [Fact]
    public async Task Base64_is_the_same_vector()
    {
        var tenant = await ReadyAsync("text-embedding-3-small");
        var body = $$"""{"model":"{{tenant.Group}}","input":"hello","dimensions":3""";

        var floats = (await tenant.Team.PostAsync("/v1/embeddings", body + "}")).Is(200)["data"]![0]!["embedding"]!.AsArray().Select(number => (float)number!).ToArray();
        var base64 = (string)(await tenant.Team.PostAsync("/v1/embeddings", body + ""","encoding_format":"base64"}""")).Is(200)["data"]![0]!["embedding"]!;

        Assert.Equal(floats, Enumerable.Range(0, 3).Select(index => BitConverter.ToSingle(Convert.FromBase64String(base64), index * sizeof(float))));
    }

    [Fact]
    public async Task It_can_join_an_open_job_and_its_failure_costs_nothing()
    {
        var tenant = await ReadyAsync("text-embedding-3-small");
        var job = await tenant.OpenJobAsync();

        (await tenant.PostInJobAsync(job, "/v1/embeddings", $$"""{"model":"{{tenant.Group}}","input":"hello"}""")).Is(200);
        Assert.Equal(1, (int)(await tenant.CompleteAsync(job)).Is(200)["costs"]!["total_calls"]!);

        (await tenant.Operator.PutAsync($"/api/model-groups/{tenant.Group}/models", """[{"model_name":"mock/500"},{"model_name":"text-embedding-3-small"}]""")).Is(200);
        (await tenant.Team.PostAsync("/v1/embeddings", $$"""{"model":"{{tenant.Group}}","input":"hello"}""")).Is(502, "llm.all_models_failed");
        Assert.Equal((2m, 0m), ((await tenant.BalanceAsync()) switch { var balance => ((decimal)balance["credits_remaining"]!, (decimal)balance["credits_held"]!) }));
    }

    [Fact]
    public async Task A_group_of_the_other_kind_is_refused_in_the_envelope()
    {
        var tenant = await ReadyAsync("text-embedding-3-small");

        var chat = (await tenant.Team.PostAsync("/v1/chat/completions", $$"""{"model":"{{tenant.Group}}","messages":[{"role":"user","content":"x"}]}""")).Is(400, "llm.wrong_group_kind");
        Assert.Equal("model", (string)chat["error"]!["param"]!);
    }

    private async Task<Tenant> ReadyAsync(params string[] models)
    {
        var tenant = await Tenant.CreateAsync(fixture, 3, models);
        (await tenant.Operator.PutAsync($"/api/model-groups/{tenant.Group}", """{"kind":"embedding"}""")).Is(200);
        await tenant.WaitForKeyAsync(fixture);
        return tenant;
    }
}
