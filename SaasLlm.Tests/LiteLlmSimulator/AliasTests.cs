using System.Diagnostics;
using System.Text.Json.Nodes;

namespace SaasLlm.Tests.LiteLlmSimulator;

/// <summary>What the models <c>mock/…</c> do.</summary>
public sealed class AliasTests
{
    [Theory]
    [InlineData("400", 400, "invalid_request_error")]
    [InlineData("401", 401, "authentication_error")]
    [InlineData("402", 402, "invalid_request_error")]
    [InlineData("403", 403, "permission_error")]
    [InlineData("404", 404, "invalid_request_error")]
    [InlineData("408", 408, "invalid_request_error")]
    [InlineData("409", 409, "invalid_request_error")]
    [InlineData("413", 413, "invalid_request_error")]
    [InlineData("422", 422, "invalid_request_error")]
    [InlineData("429", 429, "throttling_error")]
    [InlineData("500", 500, "internal_server_error")]
    [InlineData("502", 502, "internal_server_error")]
    [InlineData("503", 503, "internal_server_error")]
    [InlineData("504", 504, "internal_server_error")]
    [InlineData("529", 529, "internal_server_error")]
    [InlineData("context", 400, "invalid_request_error")]
    [InlineData("content-policy", 400, "invalid_request_error")]
    [InlineData("budget", 422, "budget_exceeded")]
    [InlineData("key-rate-limit", 429, "throttling_error")]
    [InlineData("cooldown", 429, "all_deployments_in_cooldown")]
    [InlineData("unknown-key", 401, "token_not_found_in_db")]
    [InlineData("blocked-key", 401, "auth_error")]
    [InlineData("expired-key", 401, "expired_key")]
    [InlineData("model-denied", 403, "key_model_access_denied")]
    [InlineData("team-gone", 404, "auth_error")]
    [InlineData("database-lost", 503, "no_db_connection")]
    [InlineData("error-in-200", 200, "api_error")]
    public async Task An_error_alias_is_a_recorded_error(string alias, int status, string type)
    {
        await using var host = await StartAsync();

        using var plain = await host.ChatAsync("mock/" + alias);
        using var streamed = await host.ChatAsync("mock/" + alias, stream: true);

        Assert.Equal((status, type), ((int)plain.StatusCode, TypeOf(await plain.Content.ReadAsStringAsync())));
        Assert.Equal((status, type), ((int)streamed.StatusCode, TypeOf(await streamed.Content.ReadAsStringAsync())));
    }

    [Fact]
    public async Task The_providers_retry_after_comes_under_its_own_name()
    {
        await using var host = await StartAsync();

        using var answer = await host.ChatAsync("mock/429");

        Assert.Equal("20", Assert.Single(answer.Headers.GetValues("llm_provider-retry-after")));
        Assert.False(answer.Headers.Contains("retry-after"));
    }

    [Theory]
    [InlineData("empty", false, "\"choices\":[]")]
    [InlineData("empty-stream", true, "\"delta\":{},\"finish_reason\":\"stop\"")]
    [InlineData("refusal", false, "\"refusal\":\"")]
    [InlineData("refusal", true, "\"refusal\":\"")]
    [InlineData("tool-call", false, "\"tool_calls\":[")]
    [InlineData("tool-call", true, "\"tool_calls\":[")]
    [InlineData("no-usage", false, "\"total_tokens\":0")]
    [InlineData("no-usage", true, "[DONE]")]
    [InlineData("mid-error", true, "data: {\"error\":")]
    [InlineData("ok", false, "Simulated answer to: Say hello.")]
    public async Task A_good_alias_answers_200_with(string alias, bool stream, string part)
    {
        await using var host = await StartAsync();

        using var answer = await host.ChatAsync("mock/" + alias, stream);

        Assert.Equal(200, (int)answer.StatusCode);
        Assert.Contains(part, await answer.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task A_cut_stream_breaks_off_after_so_many_chunks(int chunks)
    {
        await using var host = await StartAsync();

        using var answer = await host.ChatAsync($"mock/cut-at-{chunks}", stream: true);
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync());
        var read = 0;
        await Assert.ThrowsAsync<HttpIOException>(async () =>
        {
            while (await reader.ReadLineAsync() is { } line)
            {
                read += line.StartsWith("data: {", StringComparison.Ordinal) ? 1 : 0;
            }
        });

        Assert.Equal(chunks, read);
    }

    [Fact]
    public async Task A_cut_plain_answer_is_shorter_than_it_said()
    {
        await using var host = await StartAsync();

        using var answer = await host.ChatAsync("mock/cut-at-7");

        Assert.Equal(200, (int)answer.StatusCode);
        Assert.True(answer.Content.Headers.ContentLength > 7);
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_reset_has_no_answer()
    {
        await using var host = await StartAsync();

        await Assert.ThrowsAsync<HttpRequestException>(() => host.ChatAsync("mock/reset"));
    }

    [Fact]
    public async Task A_hang_lasts_until_the_caller_gives_up()
    {
        await using var host = await StartAsync();
        using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => host.ChatAsync("mock/hang", cancellation: patience.Token));
    }

    [Fact]
    public async Task A_slow_one_answers_after_its_time()
    {
        await using var host = await StartAsync();
        var watch = Stopwatch.StartNew();

        using var answer = await host.ChatAsync("mock/slow-300ms");

        Assert.Equal(200, (int)answer.StatusCode);
        Assert.True(watch.ElapsedMilliseconds >= 290);
    }

    [Fact]
    public async Task A_held_one_answers_when_its_hold_is_released_and_at_once_from_then_on()
    {
        await using var host = await StartAsync();

        var waiting = host.ChatAsync("mock/hold-7");
        using var wrong = await host.PostAsync("/simulator/release", "{}");
        using var another = await host.PostAsync("/simulator/release", """{"hold":8}""");
        using var others = await host.ChatAsync("mock/hold-8");
        Assert.Equal((400, 200, 200), ((int)wrong.StatusCode, (int)another.StatusCode, (int)others.StatusCode));
        Assert.False(waiting.IsCompleted);
        using var released = await host.PostAsync("/simulator/release", """{"hold":7}""");

        using var answer = await waiting;
        using var later = await host.ChatAsync("mock/hold-7");
        Assert.Equal((200, 200), ((int)answer.StatusCode, (int)later.StatusCode));
        Assert.Contains("Simulated answer to: Say hello.", await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task The_usage_can_be_chosen()
    {
        await using var host = await StartAsync();

        using var answer = await host.ChatAsync("mock/usage-1000-500");

        var usage = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["usage"]!;
        Assert.Equal((1000, 500, 1500), (usage["prompt_tokens"]!.GetValue<int>(), usage["completion_tokens"]!.GetValue<int>(), usage["total_tokens"]!.GetValue<int>()));
        Assert.Equal("0.002", Assert.Single(answer.Headers.GetValues("x-litellm-response-cost")));
    }

    [Theory]
    [InlineData("/v1/embeddings", "\"input\":\"x\"")]
    [InlineData("/v1/responses", "\"input\":\"x\"")]
    [InlineData("/v1/completions", "\"prompt\":\"x\"")]
    public async Task Aliases_work_on_every_inference_route(string path, string more)
    {
        await using var host = await StartAsync();

        using var answer = await host.PostAsync(path, $$"""{"model":"mock/503",{{more}}}""");

        Assert.Equal(503, (int)answer.StatusCode);
    }

    [Theory]
    [InlineData("mock/no-such-alias")]
    [InlineData("mock/slow-")]
    [InlineData("mock/hold-")]
    [InlineData("mock/cut-at-x")]
    public async Task An_unknown_alias_is_an_unknown_model(string model)
    {
        await using var host = await StartAsync();

        using var answer = await host.ChatAsync(model);

        Assert.Equal(400, (int)answer.StatusCode);
        Assert.Contains($"Invalid model name passed in model={model}.", await answer.Content.ReadAsStringAsync());
    }

    private static async Task<SimulatorHost> StartAsync()
    {
        var host = await SimulatorHost.StartAsync();
        await host.SetModeAsync("""{"recorded_timing":false}""");
        return host;
    }

    private static string TypeOf(string body) => JsonNode.Parse(body)!["error"]!["type"]!.GetValue<string>();
}
