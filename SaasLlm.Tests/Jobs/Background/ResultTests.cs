using System.Net;
using System.Text.Json.Nodes;
using SaasLlm.Tests.Llm;

namespace SaasLlm.Tests.Jobs.Background;

/// <summary>What a submitted job came to: as pages, as files, as a stream; and its failed part again.</summary>
public sealed class ResultTests(BackgroundBench bench) : IClassFixture<BackgroundBench>, IAsyncLifetime
{
    private TestRunner? _runner;

    public async ValueTask InitializeAsync()
    {
        bench.AnswerWith(prompt => $"<{prompt}>");
        _runner = await bench.RunnerAsync();
    }

    public ValueTask DisposeAsync() => _runner!.DisposeAsync();

    [Fact]
    public async Task Results_are_paged_with_what_the_model_answered()
    {
        var tenant = await bench.TenantAsync();
        var job = await tenant.SubmitAsync(tenant.Step("a", "A"), tenant.Step("b", "B"), tenant.Step("c", "C"));
        await tenant.EndAsync(job);

        var first = (await tenant.Client.GetAsync($"/api/jobs/{job}/results?limit=2")).Is(200);
        var rest = (await tenant.Client.GetAsync($"/api/jobs/{job}/results?limit=2&cursor={first["next_cursor"]}")).Is(200);

        Assert.Equal(["0 a succeeded <A>", "1 b succeeded <B>"], first["items"]!.AsArray().Select(Line));
        Assert.Equal(["2 c succeeded <C>"], rest["items"]!.AsArray().Select(Line));
        Assert.Null(rest["next_cursor"]);
        var item = first["items"]![0]!;
        Assert.Equal((tenant.Group, 1500), ((string)item["response"]!["model"]!, (int)item["tokens_used"]!));
        Assert.Equal("<A>", (string)item["response"]!["choices"]![0]!["message"]!["content"]!);

        static string Line(JsonNode? row) => $"{row!["ordinal"]} {row["name"]} {row["status"]} {row["content"]}";
    }

    [Fact]
    public async Task A_batch_comes_whole_as_CSV_and_as_lines_of_JSON()
    {
        var tenant = await bench.TenantAsync();
        bench.AnswerWith(prompt => prompt switch { "Input 0" => "=cmd|'/C calc'!A0", "Input 1" => "a, \"b\"\nc", _ => prompt });
        var job = await tenant.SubmitBatchAsync(250);
        await tenant.EndAsync(job);

        using var csv = await bench.GetAsync(tenant, $"/api/jobs/{job}/results?format=csv", null);
        using var lines = await bench.GetAsync(tenant, $"/api/jobs/{job}/results", "application/x-ndjson");
        using var accepted = await bench.GetAsync(tenant, $"/api/jobs/{job}/results", "text/csv");

        Assert.Equal("text/csv; charset=utf-8", csv.Content.Headers.ContentType?.ToString());
        var text = await csv.Content.ReadAsStringAsync();
        Assert.Equal(text, await accepted.Content.ReadAsStringAsync());
        Assert.StartsWith("ordinal,name,status,content,error_code,error_message,tokens_used,latency_ms,ended_at\r\n0,0,succeeded,'=cmd|'/C calc'!A0,,,1500,", text, StringComparison.Ordinal);
        Assert.Contains("\r\n1,1,succeeded,\"a, \"\"b\"\"\nc\",,,1500,", text, StringComparison.Ordinal);
        Assert.Equal(251, text.Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Length);
        var rows = (await lines.Content.ReadAsStringAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!).ToList();
        Assert.Equal(Enumerable.Range(0, 250), rows.Select(row => (int)row["ordinal"]!));
        Assert.Equal("=cmd|'/C calc'!A0", (string)rows[0]["content"]!);
        Assert.Equal("Input 249", (string)rows[249]["response"]!["choices"]![0]!["message"]!["content"]!);
    }

    [Fact]
    public async Task Events_tell_each_step_and_the_end_and_go_on_where_the_client_left()
    {
        var tenant = await bench.TenantAsync();
        bench.AnswerWith((http, prompt) => prompt == "bad"
            ? StubGateway.Json(http, 400, StubGateway.Error("no", "invalid_request_error"))
            : StubGateway.Json(http, 200, BackgroundBench.Completion(prompt)));
        var job = await tenant.SubmitWithAsync(""" "on_step_failure":"continue","mode":"parallel","max_parallelism":1 """,
            tenant.Step("a", "A"), tenant.Step("b", "bad"), tenant.Step("c", "C", """ "depends_on":["b"] """), tenant.Step("d", "D"));

        var all = await EventsAsync(tenant, job);
        var rest = await EventsAsync(tenant, job, "?after=2");
        var resumed = await EventsAsync(tenant, job, lastEventId: "4");

        Assert.Equal(
            ["1 step.succeeded a", "2 step.failed b", "3 step.skipped c", "4 step.succeeded d", "5 job.completed "], all.Where(item => item.Id is not null).Select(Line));
        Assert.Equal(["3 step.skipped c", "4 step.succeeded d", "5 job.completed "], rest.Where(item => item.Id is not null).Select(Line));
        Assert.Equal(["5 job.completed "], resumed.Where(item => item.Id is not null).Select(Line));
        // What a browser's EventSource sends when it comes back: its own address, and how far it got.
        Assert.Equal(["5 job.completed "], (await EventsAsync(tenant, job, "?after=2", lastEventId: "4")).Where(item => item.Id is not null).Select(Line));
        using var over = await bench.GetAsync(tenant, $"/api/jobs/{job}/events?after=2", null, "5");
        Assert.Equal(HttpStatusCode.NoContent, over.StatusCode);
        Assert.Equal("A", (string)all[0].Data["content"]!);
        Assert.Equal("llm.request_rejected", (string)all.Single(item => item.Name == "step.failed").Data["error_code"]!);
        Assert.Equal((4, 4, 2), all.Last(item => item.Name == "progress").Data switch { var data => ((int)data["total"]!, (int)data["done"]!, (int)data["succeeded"]!) });

        static string Line(Event item) => $"{item.Id} {item.Name} {item.Data["name"]}";
    }

    [Fact]
    public async Task A_job_without_a_plan_has_no_events_no_steps_and_nothing_to_retry()
    {
        var tenant = await bench.TenantAsync();
        var job = (string)(await tenant.Client.PostAsync("/api/jobs/create", """{"job_type":"test"}""")).Is(200)["job_id"]!;

        (await tenant.Client.GetAsync($"/api/jobs/{job}/events")).Is(409, "background.not_submitted");
        (await tenant.Client.PostAsync($"/api/jobs/{job}/retry")).Is(409, "background.not_submitted");
        Assert.Empty((await tenant.Client.GetAsync($"/api/jobs/{job}/results")).Is(200)["items"]!.AsArray());
        Assert.Null((await tenant.ReadAsync(job))["progress"]);
    }

    [Fact]
    public async Task A_retry_runs_what_did_not_succeed_with_the_answers_of_what_did()
    {
        var tenant = await bench.TenantAsync(credits: 5);
        var isBroken = true;
        var begins = new TaskCompletionSource();
        var mayAnswer = new TaskCompletionSource();
        bench.AnswerWith(async (http, prompt) =>
        {
            await begins.Task;
            if (!prompt.StartsWith("flaky", StringComparison.Ordinal))
            {
                await StubGateway.Json(http, 200, BackgroundBench.Completion($"<{prompt}>"));
            }
            else if (isBroken)
            {
                await StubGateway.Json(http, 400, StubGateway.Error("no", "invalid_request_error"));
            }
            else
            {
                await mayAnswer.Task;
                await StubGateway.Json(http, 200, BackgroundBench.Completion($"<{prompt}>"));
            }
        });
        var job = await tenant.SubmitAsync(tenant.Step("a", "carried"), tenant.Step("b", "flaky {{steps.a.content}}"), tenant.Step("c", "last {{steps.b.content}} {{steps.a.content}}"));
        (await tenant.Client.PostAsync($"/api/jobs/{job}/retry")).Is(409, "background.not_ended");
        begins.SetResult();
        Assert.Equal("failed", (string)(await tenant.EndAsync(job))["status"]!);
        isBroken = false;

        var again = (string)(await tenant.Client.PostAsync($"/api/jobs/{job}/retry")).Is(200)["job_id"]!;
        var began = (await tenant.ReadAsync(again))["progress"]!;

        // Nothing of it has run: what it brought along says nothing of its pace.
        Assert.Equal((1, null), ((int)began["done"]!, (int?)began["eta_seconds"]));
        mayAnswer.SetResult();
        var ended = await tenant.EndAsync(again);
        Assert.Equal(("completed", true, 2, job), ((string)ended["status"]!, (bool)ended["credit_applied"]!, (int)ended["total_calls"]!, (string)ended["progress"]!["retry_of"]!));
        Assert.Single(bench.Prompts, "carried");
        Assert.Single(bench.Prompts, "last <flaky <carried>> <carried>");
        Assert.Equal((4m, 0m, 1m), await tenant.CreditsAsync());
        Assert.Equal("", await tenant.MiscountsAsync());
        (await tenant.Client.PostAsync($"/api/jobs/{again}/retry")).Is(409, "background.nothing_to_retry");
    }

    // What was carried over was charged before.
    [Fact]
    public async Task A_retry_that_adds_no_success_fails_and_is_not_charged()
    {
        var tenant = await bench.TenantAsync(credits: 5);
        bench.AnswerWith((http, prompt) => prompt == "bad"
            ? StubGateway.Json(http, 400, StubGateway.Error("no", "invalid_request_error"))
            : StubGateway.Json(http, 200, BackgroundBench.Completion(prompt)));
        var job = await tenant.SubmitWithAsync(""" "on_step_failure":"continue" """,
            tenant.Step("a", "good"), tenant.Step("b", "bad"), tenant.Step("c", "Of {{steps.a.content}} and {{steps.b.content}}"));
        Assert.Equal("completed", (string)(await tenant.EndAsync(job))["status"]!);

        var again = (string)(await tenant.Client.PostAsync($"/api/jobs/{job}/retry")).Is(200)["job_id"]!;

        var ended = await tenant.EndAsync(again);
        Assert.Equal(("failed", false), ((string)ended["status"]!, (bool)ended["credit_applied"]!));
        Assert.Equal((4m, 0m, 1m), await tenant.CreditsAsync());
    }

    [Fact]
    public async Task What_may_not_run_any_more_is_not_begun_again()
    {
        var tenant = await bench.TenantAsync(credits: 5);
        bench.AnswerWith((http, _) => StubGateway.Json(http, 400, StubGateway.Error("no", "invalid_request_error")));
        var job = await tenant.SubmitBatchAsync(2);
        await tenant.EndAsync(job);
        (await bench.Operator.PutAsync($"/api/teams/{tenant.TeamId}/model-groups", "[]")).Is(200);

        (await tenant.Client.PostAsync($"/api/jobs/{job}/retry")).Is(409, "background.cannot_run");

        Assert.Equal((5m, 0m, 0m), await tenant.CreditsAsync());
    }

    [Fact]
    public async Task A_batchs_retry_has_the_inputs_that_failed_by_their_names()
    {
        var tenant = await bench.TenantAsync();
        var isBroken = true;
        bench.AnswerWith((http, prompt) => prompt is "Input 3" or "Input 7" && isBroken
            ? StubGateway.Json(http, 400, StubGateway.Error("no", "invalid_request_error"))
            : StubGateway.Json(http, 200, BackgroundBench.Completion(prompt)));
        var job = await tenant.SubmitBatchAsync(10);
        Assert.Equal(("completed", 2), await tenant.EndAsync(job) switch { var done => ((string)done["status"]!, (int)done["progress"]!["failed"]!) });
        isBroken = false;

        var again = (string)(await tenant.Client.PostAsync($"/api/jobs/{job}/retry")).Is(200)["job_id"]!;

        await tenant.EndAsync(again);
        Assert.Equal(["3 Input 3", "7 Input 7"], (await tenant.Client.GetAsync($"/api/jobs/{again}/results")).Is(200)["items"]!.AsArray().Select(row => $"{row!["name"]} {row["content"]}"));
    }

    private sealed record Event(string? Id, string Name, JsonNode Data);

    // All events until the stream ends by itself.
    private async Task<List<Event>> EventsAsync(BackgroundTenant tenant, string job, string query = "", string? lastEventId = null)
    {
        using var answer = await bench.GetAsync(tenant, $"/api/jobs/{job}/events{query}", null, lastEventId).WaitAsync(Infrastructure.Eventually.Patience);
        Assert.Equal("text/event-stream", answer.Content.Headers.ContentType?.ToString());
        var text = await answer.Content.ReadAsStringAsync();
        return [.. text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Where(part => !part.StartsWith(':')).Select(part =>
        {
            var lines = part.Split('\n').Select(line => line.Split(": ", 2)).ToDictionary(line => line[0], line => line[1], StringComparer.Ordinal);
            return new Event(lines.GetValueOrDefault("id"), lines["event"], JsonNode.Parse(lines["data"])!);
        })];
    }
}
