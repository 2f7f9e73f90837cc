using System.Text.Json.Nodes;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.EndToEnd;

/// <summary>Streamed calls over HTTP, on the whole app.</summary>
public sealed class StreamedCallTests(AppFixture fixture)
{
    [Fact]
    public async Task A_streamed_call_ends_with_its_summary_and_is_accounted()
    {
        var tenant = await Tenant.CreateAsync(fixture, 3, "mock/500", "gpt-4-turbo");
        var job = await tenant.OpenJobAsync();

        var answer = await tenant.StreamAsync(job);

        Assert.Equal("text/event-stream", answer.ContentType);
        Assert.Equal("[DONE]", answer.Events[^1]);
        var summary = JsonNode.Parse(answer.Events[^2])!;
        Assert.Equal(tenant.Group, (string)summary["metadata"]!["model_group"]!);
        Assert.True((long)summary["metadata"]!["tokens_used"]! > 0);
        var chunks = answer.Events.SkipLast(2).Select(text => JsonNode.Parse(text)!).ToList();
        Assert.All(chunks, chunk => Assert.Equal(tenant.Group, (string)chunk["model"]!));
        Assert.Single(chunks, chunk => chunk["choices"]![0]!["delta"]!["role"] is not null);
        Assert.DoesNotContain("gpt-", string.Concat(answer.Events), StringComparison.OrdinalIgnoreCase);

        var ended = (await tenant.CompleteAsync(job)).Is(200);
        Assert.Equal((1, 1, true), ((int)ended["costs"]!["total_calls"]!, (int)ended["costs"]!["successful_calls"]!, (bool)ended["costs"]!["credit_applied"]!));
        Assert.Equal((long)summary["metadata"]!["tokens_used"]!, (long)ended["costs"]!["total_tokens"]!);
        Assert.Equal(["failed", "succeeded"], (await tenant.AttemptsAsync(job)).Select(attempt => (string)attempt!["status"]!));
    }

    [Fact]
    public async Task A_stream_that_breaks_off_ends_with_an_error_event_and_no_done()
    {
        var tenant = await Tenant.CreateAsync(fixture, 3, "mock/cut-at-3");
        var job = await tenant.OpenJobAsync();

        var answer = await tenant.StreamAsync(job);

        var last = JsonNode.Parse(answer.Events[^1])!.AsObject();
        var error = last["error"]!;
        // A reader that knows only chunks must stumble over it, not read on.
        Assert.True(last.TryGetPropertyValue("choices", out var choices) && choices is null);
        Assert.Equal(("llm.stream_failed", "server_error"), ((string)error["code"]!, (string)error["type"]!));
        Assert.DoesNotContain("[DONE]", answer.Events);
        Assert.Equal("no_successful_call", (string)(await tenant.CompleteAsync(job)).Is(200)["costs"]!["credit_reason"]!);
    }

    [Fact]
    public async Task A_failure_before_the_first_chunk_has_its_own_status()
    {
        var tenant = await Tenant.CreateAsync(fixture, 3, "mock/empty-stream", "mock/503");
        var job = await tenant.OpenJobAsync();

        var answer = await tenant.StreamAsync(job);

        Assert.Equal((502, "application/problem+json"), (answer.Status, answer.ContentType));
        Assert.Contains("llm.all_models_failed", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_that_leaves_is_accounted_all_the_same()
    {
        var tenant = await Tenant.CreateAsync(fixture, 3, "gpt-4-turbo");
        await tenant.WaitForKeyAsync(fixture);
        var job = await tenant.OpenJobAsync();

        await tenant.LeaveStreamAsync(job);

        // Completing waits for the call, which runs to its end.
        var ended = (await tenant.CompleteAfterCallsAsync(job)).Is(200);
        Assert.Equal((1, true), ((int)ended["costs"]!["successful_calls"]!, (bool)ended["costs"]!["credit_applied"]!));
    }
}
