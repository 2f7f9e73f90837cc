using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.EndToEnd;

/// <summary>Calls with an Idempotency-Key that fail: a repeat with the key makes them anew, with a job of its own, charged once.</summary>
public sealed class KeyedFailureTests(AppFixture fixture)
{
    [Theory]
    [InlineData("/v1/chat/completions", "", 502)]
    [InlineData("/v1/chat/completions", ",\"stream\":true", 502)]
    [InlineData("/api/jobs/create-and-call", ",\"job_type\":\"test\"", 502)]
    [InlineData("/api/jobs/create-and-call-stream", ",\"job_type\":\"test\"", 502)]
    public async Task A_failed_one_is_made_again(string path, string fields, int status)
    {
        var tenant = await Tenant.CreateAsync(fixture, 3, "mock/500");
        await tenant.WaitForKeyAsync(fixture);
        var (body, key) = (tenant.CallBody(path, fields), Guid.NewGuid().ToString());
        (await tenant.Team.PostOnceAsync(path, body, key)).Is(status);
        await MendAsync(tenant);

        var again = (await tenant.Team.PostOnceAsync(path, body, key)).Is(200);
        var replayed = (await tenant.Team.PostOnceAsync(path, body, key)).Is(200);

        Assert.Equal((null, "true"), (again.Replayed, replayed.Replayed));
        Assert.Equal(again.Text, replayed.Text);
        Assert.Equal(2, (decimal)(await tenant.BalanceAsync())["credits_remaining"]!);
    }

    // Half an answer is none to keep: it would be given to whoever asks again, and the model could answer by now.
    [Theory]
    [InlineData("/v1/chat/completions", ",\"stream\":true")]
    [InlineData("/api/jobs/create-and-call-stream", ",\"job_type\":\"test\"")]
    [InlineData("/api/jobs/JOB/llm-call-stream", "")]
    public async Task A_stream_that_broke_is_made_again(string path, string fields)
    {
        var tenant = await Tenant.CreateAsync(fixture, 3, "mock/cut-at-7");
        await tenant.WaitForKeyAsync(fixture);
        path = path.Replace("JOB", await tenant.OpenJobAsync(), StringComparison.Ordinal);
        var (body, key) = (tenant.CallBody(path, fields), Guid.NewGuid().ToString());
        var broken = (await tenant.Team.PostOnceAsync(path, body, key)).Is(200);
        Assert.Contains("llm.stream_failed", broken.Text, StringComparison.Ordinal);
        await MendAsync(tenant);

        var again = (await tenant.Team.PostOnceAsync(path, body, key)).Is(200);
        var replayed = (await tenant.Team.PostOnceAsync(path, body, key)).Is(200);

        Assert.DoesNotContain("llm.stream_failed", again.Text, StringComparison.Ordinal);
        Assert.EndsWith("data: [DONE]\n\n", again.Text, StringComparison.Ordinal);
        Assert.Equal((null, "true", again.Text), (again.Replayed, replayed.Replayed, replayed.Text));
    }

    private static async Task MendAsync(Tenant tenant)
    {
        (await tenant.Operator.PutAsync($"/api/model-groups/{tenant.Group}/models", """[{"model_name":"gpt-4-turbo"}]""")).Is(200);
        await Eventually.IsSoAsync(
            async () => (string)(await tenant.Operator.GetAsync($"/api/model-groups/{tenant.Group}/resolve?team_id={tenant.TeamId}")).Is(200)["primary_model"]! == "gpt-4-turbo",
            () => "the change of the group did not arrive");
    }
}
