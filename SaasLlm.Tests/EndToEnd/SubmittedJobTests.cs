using System.Diagnostics;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.EndToEnd;

/// <summary>A job that is submitted with its calls, on the whole app: its JobRunner, its gateway.</summary>
public sealed class SubmittedJobTests(AppFixture fixture)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(120);

    [Fact]
    public async Task A_submitted_batch_runs_and_is_charged_once()
    {
        var tenant = await Tenant.CreateAsync(fixture, 5, "gpt-4-turbo");
        await tenant.WaitForKeyAsync(fixture);

        var job = (string)(await tenant.Team.PostAsync("/api/jobs/submit", $$$"""
            {"job_type":"batch","batch":{"step":{"model_group":"{{{tenant.Group}}}","messages":[{"role":"user","content":"Say {{input}}."}]},"inputs":["a","b","c","d","e"]}}
            """)).Is(200)["job_id"]!;

        var began = Stopwatch.GetTimestamp();
        var read = (await tenant.Team.GetAsync($"/api/jobs/{job}")).Is(200);
        while ((string)read["status"]! is "pending" or "in_progress")
        {
            Assert.True(Stopwatch.GetElapsedTime(began) < s_patience, read.Text);
            await Task.Delay(50);
            read = (await tenant.Team.GetAsync($"/api/jobs/{job}")).Is(200);
        }

        Assert.Equal(("completed", 5, 5), ((string)read["status"]!, (int)read["successful_calls"]!, (int)read["progress"]!["succeeded"]!));
        var balance = await tenant.BalanceAsync();
        Assert.Equal((4m, 0m, 1m), ((decimal)balance["credits_remaining"]!, (decimal)balance["credits_held"]!, (decimal)balance["credits_used"]!));
        var results = (await tenant.Team.GetAsync($"/api/jobs/{job}/results")).Is(200);
        Assert.All(results["items"]!.AsArray(), row => Assert.False(string.IsNullOrEmpty((string)row!["content"]!)));
        Assert.DoesNotContain("gpt-", results.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_submitted_job_takes_no_call_from_outside()
    {
        var tenant = await Tenant.CreateAsync(fixture, 5, "gpt-4-turbo");
        await tenant.WaitForKeyAsync(fixture);
        var call = $$"""{"model_group":"{{tenant.Group}}","messages":[{"role":"user","content":"Hello"}]}""";
        var job = (string)(await tenant.Team.PostAsync("/api/jobs/submit",
            $$"""{"job_type":"test","run_at":"{{DateTimeOffset.UtcNow.AddDays(1):O}}","steps":[{{call}}]}""")).Is(200)["job_id"]!;

        (await tenant.Team.PostAsync($"/api/jobs/{job}/llm-call", call)).Is(409, "background.runs_itself");
        var stream = await tenant.StreamAsync($"/api/jobs/{job}/llm-call-stream", call);
        Assert.Equal(409, stream.Status);
        Assert.Contains("background.runs_itself", stream.Text, StringComparison.Ordinal);
        foreach (var streams in new[] { "false", "true" })
        {
            var joined = await tenant.PostInJobAsync(job, "/v1/chat/completions",
                $$"""{"model":"{{tenant.Group}}","stream":{{streams}},"messages":[{"role":"user","content":"Hello"}]}""");
            Assert.Equal((409, "background.runs_itself"), (joined.Status, (string)joined["error"]!["code"]!));
        }

        var read = (await tenant.Team.GetAsync($"/api/jobs/{job}")).Is(200);
        Assert.Equal(("pending", 0), ((string)read["status"]!, (int)read["total_calls"]!));
        (await tenant.Team.PostAsync($"/api/jobs/{job}/cancel")).Is(200);
        Assert.Equal(0, (decimal)(await tenant.BalanceAsync())["credits_held"]!);
    }
}
