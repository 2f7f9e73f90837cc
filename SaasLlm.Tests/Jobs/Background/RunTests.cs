using System.Text.Json.Nodes;
using SaasLlm.Tests.Llm;

namespace SaasLlm.Tests.Jobs.Background;

/// <summary>Submitted jobs run to their end, in the order that their steps ask for.</summary>
public sealed class RunTests(BackgroundBench bench) : IClassFixture<BackgroundBench>, IAsyncLifetime
{
    private TestRunner? _runner;

    public async ValueTask InitializeAsync()
    {
        bench.AnswerWith(prompt => $"<{prompt}>");
        _runner = await bench.RunnerAsync();
    }

    public ValueTask DisposeAsync() => _runner!.DisposeAsync();

    [Fact]
    public async Task A_sequence_runs_step_by_step_and_is_charged_once()
    {
        var tenant = await bench.TenantAsync(credits: 3);

        var job = await tenant.SubmitAsync(tenant.Step("a", "A"), tenant.Step("b", "B of {{steps.a.content}}"), tenant.Step("c", "C of {{steps.b.content}} and {{steps.a.content}}"));

        var ended = await tenant.EndAsync(job);
        Assert.Equal(("completed", true, 3, 3), ((string)ended["status"]!, (bool)ended["credit_applied"]!, (int)ended["total_calls"]!, (int)ended["successful_calls"]!));
        Assert.Equal(["A", "B of <A>", "C of <B of <A>> and <A>"], bench.Prompts.Where(prompt => prompt is ['A' or 'B' or 'C', ..]));
        Assert.Equal((2m, 0m, 1m), await tenant.CreditsAsync());
        Assert.Equal("""{"total":3,"done":3,"succeeded":3,"failed":0,"skipped":0,"cancelled":0,"eta_seconds":null,"retry_of":null}""", ended["progress"]!.ToJsonString());
        Assert.Equal("", await tenant.MiscountsAsync());
    }

    // Two that wait for one, and one that waits for both.
    [Fact]
    public async Task A_diamond_runs_each_step_once_after_those_it_depends_on()
    {
        var tenant = await bench.TenantAsync();

        var job = await tenant.SubmitAsync(
            tenant.Step("top", "top"),
            tenant.Step("left", "left {{steps.top.content}}", """ "depends_on":["top"] """),
            tenant.Step("right", "right {{steps.top.content}}", """ "depends_on":["top"] """),
            tenant.Step("bottom", "bottom {{steps.left.content}} {{steps.right.content}}", """ "depends_on":["left","right"] """));

        Assert.Equal("completed", (string)(await tenant.EndAsync(job))["status"]!);
        Assert.Single(bench.Prompts, "bottom <left <top>> <right <top>>");
        Assert.Equal("", await tenant.MiscountsAsync());
    }

    [Fact]
    public async Task A_batch_makes_a_call_of_each_input_and_costs_one_job()
    {
        var tenant = await bench.TenantAsync(credits: 2);

        var job = await tenant.SubmitBatchAsync(95, "batch {{input}}");

        var ended = await tenant.EndAsync(job);
        Assert.Equal(("completed", 95, 95), ((string)ended["status"]!, (int)ended["progress"]!["succeeded"]!, (int)ended["successful_calls"]!));
        Assert.Equal(Enumerable.Range(0, 95).Select(number => $"batch {number}").Order(StringComparer.Ordinal),
            bench.Prompts.Where(prompt => prompt.StartsWith("batch", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        Assert.Equal((1m, 0m, 1m), await tenant.CreditsAsync());
        Assert.Equal("", await tenant.MiscountsAsync());
    }

    [Fact]
    public async Task Full_tenths_are_told_by_events_in_their_order()
    {
        var tenant = await bench.TenantAsync();

        var job = await tenant.SubmitBatchAsync(20, "told {{input}}", """ "max_parallelism":1 """);

        await tenant.EndAsync(job);
        Assert.Equal("10 20 30 40 50 60 70 80 90 100", await bench.ScalarAsync<string>(
            "SELECT string_agg(payload->>'percent', ' ' ORDER BY message_id) FROM outbox WHERE team_id = $1 AND topic = 'job.progress' AND dedupe_key LIKE 'job:' || $2 || ':progress:%'",
            tenant.TeamId, job));
    }

    [Fact]
    public async Task A_batch_never_runs_more_than_its_parallelism_at_once()
    {
        var tenant = await bench.TenantAsync();
        var (running, most) = (0, 0);
        var full = new TaskCompletionSource();
        bench.AnswerWith(async (http, prompt) =>
        {
            var now = Interlocked.Increment(ref running);
            InterlockedMax(ref most, now);
            if (now == 3)
            {
                full.TrySetResult();
            }

            // The first ones wait until all are there that may be.
            await full.Task.WaitAsync(Infrastructure.Eventually.Patience);
            await Task.Delay(10);
            Interlocked.Decrement(ref running);
            await StubGateway.Json(http, 200, BackgroundBench.Completion(prompt));
        });

        await tenant.EndAsync(await tenant.SubmitBatchAsync(30, members: """ "max_parallelism":3 """));

        Assert.Equal(3, most);
    }

    [Fact]
    public async Task A_failed_step_fails_the_job_with_its_reason_and_nothing_is_charged()
    {
        var tenant = await bench.TenantAsync(credits: 5);
        bench.AnswerWith((http, prompt) => prompt == "refused once"
            ? StubGateway.Json(http, 400, StubGateway.Error("litellm.BadRequestError: 'x' is not valid", "invalid_request_error"))
            : StubGateway.Json(http, 200, BackgroundBench.Completion(prompt)));

        var job = await tenant.SubmitAsync(tenant.Step("a", "fine"), tenant.Step("b", "refused once"), tenant.Step("c", "never after a refusal"));

        var ended = await tenant.EndAsync(job);
        Assert.Equal(("failed", false), ((string)ended["status"]!, (bool)ended["credit_applied"]!));
        Assert.StartsWith("llm.request_rejected: ", (string)ended["error_message"]!, StringComparison.Ordinal);
        Assert.Equal("a succeeded, b failed, c skipped", await tenant.StepsAsync(job));
        Assert.DoesNotContain("never after a refusal", bench.Prompts);
        Assert.Single(bench.Prompts, "refused once");
        Assert.Equal((5m, 0m, 0m), await tenant.CreditsAsync());
        Assert.Equal("", await tenant.MiscountsAsync());
    }

    [Fact]
    public async Task A_job_that_goes_on_skips_only_what_depends_on_the_failed_step_and_is_charged()
    {
        var tenant = await bench.TenantAsync(credits: 5);
        bench.AnswerWith((http, prompt) => prompt == "bad"
            ? StubGateway.Json(http, 400, StubGateway.Error("no", "invalid_request_error"))
            : StubGateway.Json(http, 200, BackgroundBench.Completion(prompt)));

        var job = await tenant.SubmitWithAsync(""" "mode":"parallel","on_step_failure":"continue" """,
            tenant.Step("a", "bad"), tenant.Step("b", "b", """ "depends_on":["a"] """), tenant.Step("c", "c", """ "depends_on":["b"] """), tenant.Step("d", "d"));

        var ended = await tenant.EndAsync(job);
        Assert.Equal(("completed", true), ((string)ended["status"]!, (bool)ended["credit_applied"]!));
        Assert.Equal("a failed, b skipped, c skipped, d succeeded", await tenant.StepsAsync(job));
        Assert.Equal((4m, 0m, 1m), await tenant.CreditsAsync());
        Assert.Equal("", await tenant.MiscountsAsync());
    }

    [Fact]
    public async Task A_batch_of_which_nothing_succeeded_has_failed()
    {
        var tenant = await bench.TenantAsync(credits: 5);
        bench.AnswerWith((http, _) => StubGateway.Json(http, 400, StubGateway.Error("no", "invalid_request_error")));

        var ended = await tenant.EndAsync(await tenant.SubmitBatchAsync(7));

        Assert.Equal(("failed", 7), ((string)ended["status"]!, (int)ended["progress"]!["failed"]!));
        Assert.Equal((5m, 0m, 0m), await tenant.CreditsAsync());
    }

    [Fact]
    public async Task A_model_that_fails_for_a_while_is_tried_again_as_often_as_was_asked()
    {
        var tenant = await bench.TenantAsync();
        var left = 2;
        bench.AnswerWith((http, prompt) => prompt == "flaky" && Interlocked.Decrement(ref left) >= 0
            ? StubGateway.Json(http, 500, StubGateway.Error("litellm.InternalServerError: x"))
            : StubGateway.Json(http, 200, BackgroundBench.Completion(prompt)));

        var job = await tenant.SubmitAsync(tenant.Step("a", "flaky"));

        var ended = await tenant.EndAsync(job);
        Assert.Equal(("completed", 3, 1), ((string)ended["status"]!, (int)ended["total_calls"]!, (int)ended["successful_calls"]!));
        var step = (await tenant.Client.GetAsync($"/api/jobs/{job}/steps")).Is(200)["items"]![0]!;
        Assert.Equal((3, "succeeded", null), ((int)step["tries"]!, (string)step["status"]!, (string?)step["error_code"]));
    }

    [Fact]
    public async Task A_model_that_keeps_failing_ends_the_step_after_its_tries()
    {
        var tenant = await bench.TenantAsync();
        bench.AnswerWith((http, _) => StubGateway.Json(http, 500, StubGateway.Error("litellm.InternalServerError: x")));

        var job = await tenant.SubmitAsync(tenant.Step("a", "hopeless", """ "max_tries":4 """));

        Assert.Equal("llm.all_models_failed: All models of this group failed.", (string)(await tenant.EndAsync(job))["error_message"]!);
        Assert.Equal(4, bench.Prompts.Count(prompt => prompt == "hopeless"));
    }

    // What says "later" is no failure: it may come as often as it likes.
    [Fact]
    public async Task A_rate_limit_puts_the_step_back_and_counts_no_try()
    {
        var tenant = await bench.TenantAsync();
        var left = 5;
        bench.AnswerWith((http, prompt) => Interlocked.Decrement(ref left) >= 0
            ? StubGateway.Json(http, 429, StubGateway.Error("litellm.RateLimitError: x"), ("Retry-After", "1"))
            : StubGateway.Json(http, 200, BackgroundBench.Completion(prompt)));

        var job = await tenant.SubmitAsync(tenant.Step("a", "limited", """ "max_tries":1 """));

        Assert.Equal(("completed", null), await tenant.EndAsync(job) switch { var ended => ((string)ended["status"]!, (string?)ended["error_message"]) });
        Assert.Equal(1, (int)(await tenant.Client.GetAsync($"/api/jobs/{job}/steps"))["items"]![0]!["tries"]!);
    }

    [Fact]
    public async Task What_is_too_long_for_a_template_fails_the_step_and_calls_nobody()
    {
        var tenant = await bench.TenantAsync();
        bench.AnswerWith(_ => new string('x', 70_000));

        var job = await tenant.SubmitAsync(tenant.Step("a", "long"), tenant.Step("b", "After {{steps.a.content}}"));

        Assert.StartsWith("background.template_too_long: ", (string)(await tenant.EndAsync(job))["error_message"]!, StringComparison.Ordinal);
        Assert.DoesNotContain(bench.Prompts, prompt => prompt.StartsWith("After", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_cancelled_job_starts_no_further_step()
    {
        var tenant = await bench.TenantAsync(credits: 5);
        var begun = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        bench.AnswerWith(async (http, prompt) =>
        {
            begun.TrySetResult();
            await release.Task;
            await StubGateway.Json(http, 200, BackgroundBench.Completion(prompt));
        });
        var job = await tenant.SubmitAsync(tenant.Step("a", "first"), tenant.Step("b", "second"));
        await begun.Task;

        (await tenant.Client.PostAsync($"/api/jobs/{job}/cancel")).Is(200);
        release.SetResult();

        await BackgroundTenant.UntilAsync(async () => await bench.ScalarAsync<long>("SELECT count(*) FROM llm_attempts WHERE team_id = $1 AND status = 'running'", tenant.TeamId) == 0);
        Assert.Equal("a cancelled, b cancelled", await tenant.StepsAsync(job));
        Assert.DoesNotContain("second", bench.Prompts);
        Assert.Equal((5m, 0m, 0m), await tenant.CreditsAsync());
        Assert.Equal("", await tenant.MiscountsAsync());
    }

    // The job ends where its plan does not hear of it; the next step finds out.
    [Fact]
    public async Task A_plan_follows_a_job_that_the_application_ended()
    {
        var tenant = await bench.TenantAsync();
        var begun = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        bench.AnswerWith(async (http, prompt) =>
        {
            begun.TrySetResult();
            await release.Task;
            await StubGateway.Json(http, 200, BackgroundBench.Completion(prompt));
        });
        var job = await tenant.SubmitAsync(tenant.Step("a", "one"), tenant.Step("b", "two"));
        await begun.Task;

        (await tenant.Client.PostAsync($"/api/jobs/{job}/complete", """{"status":"failed"}""")).Is(200);
        release.SetResult();

        await tenant.EndAsync(job);
        Assert.Equal("b cancelled", (await tenant.StepsAsync(job)).Split(", ")[1]);
        Assert.Equal("", await tenant.MiscountsAsync());
    }

    private static void InterlockedMax(ref int target, int value)
    {
        for (var seen = target; seen < value; seen = target)
        {
            Interlocked.CompareExchange(ref target, value, seen);
        }
    }
}
