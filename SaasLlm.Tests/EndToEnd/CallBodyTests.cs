using System.Text;
using System.Text.Json.Nodes;
using Npgsql;
using SaasLlm.Tests.Access;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.EndToEnd;

/// <summary>What calls ask and are answered, kept where the team asks for it: on every route that calls a model.</summary>
public sealed class CallBodyTests(AppFixture fixture)
{
    // Words that are in no table of ours but where they are encrypted; the blank is one that no writer would put there.
    private const string Prompt = "a-prompt-that-nobody-may-read";
    private const string Chat = """ "messages" : [{"role":"user","content":"a-prompt-that-nobody-may-read"}]""";

    public static TheoryData<string, string, string> Surfaces => new()
    {
        { "/api/jobs/JOB/llm-call", "model_group", $",{Chat}" },
        { "/api/jobs/JOB/llm-call-stream", "model_group", $",{Chat}" },
        { "/api/jobs/create-and-call", "model_group", $",{Chat},\"job_type\":\"test\"" },
        { "/api/jobs/create-and-call-stream", "model_group", $",{Chat},\"job_type\":\"test\"" },
        { "/v1/chat/completions", "model", $",{Chat}" },
        { "/v1/chat/completions", "model", $",{Chat},\"stream\":true,\"n\":2" },
        { "/openai/deployments/GROUP/chat/completions?api-version=2024-10-21", "ignored", $",{Chat}" },
        { "/v1/completions", "model", $",\"prompt\":\"{Prompt}\"" },
        { "/v1/completions", "model", $",\"prompt\":\"{Prompt}\",\"stream\":true" },
        { "/v1/responses", "model", $",\"input\":\"{Prompt}\"" },
        { "/v1/responses", "model", $",\"input\":\"{Prompt}\",\"stream\":true" },
        { "/v1/embeddings", "model", $",\"input\":\"{Prompt}\",\"dimensions\":4" },
    };

    [Theory]
    [MemberData(nameof(Surfaces))]
    public async Task What_was_asked_and_answered_is_kept_as_it_went_over_the_wire(string path, string named, string fields)
    {
        var tenant = await ReadyAsync(path.EndsWith("/embeddings", StringComparison.Ordinal) ? "text-embedding-3-small" : "gpt-4-turbo");
        await KeepAsync(tenant, 7);
        var body = named == "ignored" ? "{" + fields[1..] + "}" : $$"""{"{{named}}":"{{tenant.Group}}"{{fields}}}""";

        var sent = await SendAsync(tenant, path, body);

        Assert.Equal(200, sent.Status);
        var kept = (await ReadAsync(tenant, sent)).Is(200);
        Assert.Contains($"\"request\":{body},", kept.Text, StringComparison.Ordinal);
        Assert.Equal((Encoding.UTF8.GetByteCount(body), tenant.Group), ((int)kept["request_bytes"]!, (string)kept["model_group"]!));
        Assert.Null(kept["error_code"]);
        Assert.Equal(TimeSpan.FromDays(7), (DateTimeOffset)kept["expires_at"]! - (DateTimeOffset)kept["kept_at"]!);
        var (answer, shown) = (kept["answer"]!, sent.IsStream ? null : JsonNode.Parse(sent.Text)!);
        if (shown is not null)
        {
            Assert.True(JsonNode.DeepEquals(path.StartsWith("/api", StringComparison.Ordinal) ? shown["response"] : shown, answer), $"{sent.Text} and {kept.Text}");
        }
        else
        {
            Assert.Equal(TextsIn(sent.Text), TextsOf(answer).ToArray());
        }

        Assert.False(await IsPlainAnywhereAsync(tenant));
    }

    [Fact]
    public async Task A_team_that_did_not_ask_for_it_leaves_no_row_and_one_that_ends_it_leaves_none_from_then_on()
    {
        var tenant = await ReadyAsync("gpt-4-turbo");
        var body = $$"""{"model":"{{tenant.Group}}",{{Chat}}}""";
        var before = await SendAsync(tenant, "/v1/chat/completions", body);
        await KeepAsync(tenant, 1);
        var during = await SendAsync(tenant, "/v1/chat/completions", body);
        await KeepAsync(tenant, null);
        var after = await SendAsync(tenant, "/v1/chat/completions", body);
        await KeepAsync(tenant, 1);
        var last = await SendAsync(tenant, "/v1/chat/completions", body);

        // One process writes them in their order: when the last is there, the others would be.
        (await ReadAsync(tenant, during)).Is(200);
        (await ReadAsync(tenant, last)).Is(200);
        Assert.Equal(2, await ScalarAsync<long>($"SELECT count(*) FROM llm_call_bodies WHERE team_id = '{tenant.TeamId}'"));
        foreach (var none in new[] { before, after })
        {
            (await tenant.Team.GetAsync(none.BodyPath)).Is(404, "call_body.not_kept");
        }
    }

    [Theory]
    [InlineData("/v1/chat/completions", "\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]", "mock/cut-at-3")]
    [InlineData("/v1/responses", "\"input\":\"one two three four five six seven eight nine\"", "mock/cut-at-7")]
    public async Task A_stream_that_breaks_keeps_what_was_sent_and_why(string path, string fields, string model)
    {
        var tenant = await ReadyAsync(model);
        await KeepAsync(tenant, 1);

        var sent = await SendAsync(tenant, path, $$"""{"model":"{{tenant.Group}}",{{fields}},"stream":true}""");

        var kept = (await ReadAsync(tenant, sent)).Is(200);
        Assert.Equal("llm.stream_failed", (string)kept["error_code"]!);
        if (path == "/v1/responses")
        {
            var events = sent.Text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Select(frame => frame.Split("\ndata: ")[1]).SkipLast(1).ToList();
            Assert.InRange(events.Count, 2, 20);
            Assert.Contains($"\"answer\":[{string.Join(',', events)}],", kept.Text, StringComparison.Ordinal);
        }
        else
        {
            Assert.NotEqual("", Assert.Single(TextsOf(kept["answer"]!)));
            Assert.Equal(TextsIn(sent.Text), TextsOf(kept["answer"]!).ToArray());
            Assert.Null(kept["answer"]!["choices"]![0]!["finish_reason"]);
        }
    }

    [Fact]
    public async Task A_call_that_fails_keeps_its_request_and_why_and_a_refused_one_nothing()
    {
        var tenant = await ReadyAsync("mock/500");
        await KeepAsync(tenant, 1);
        var body = $$"""{"model":"{{tenant.Group}}",{{Chat}}}""";

        var failed = await SendAsync(tenant, "/v1/chat/completions", body);
        var refused = await SendAsync(tenant, "/v1/chat/completions", body.Replace(Prompt, "x\",\"more\":\"", StringComparison.Ordinal));

        Assert.Equal(502, failed.Status);
        var kept = (await ReadAsync(tenant, failed)).Is(200);
        Assert.Equal(("llm.all_models_failed", 0), ((string)kept["error_code"]!, (int)kept["answer_bytes"]!));
        Assert.Null(kept["answer"]);
        Assert.Contains($"\"request\":{body},", kept.Text, StringComparison.Ordinal);
        Assert.Equal((400, null), (refused.Status, refused.CallId));
        Assert.Equal(1, await ScalarAsync<long>($"SELECT count(*) FROM llm_call_bodies WHERE team_id = '{tenant.TeamId}'"));
    }

    [Fact]
    public async Task A_client_that_leaves_finds_the_whole_answer()
    {
        var tenant = await ReadyAsync("gpt-4-turbo");
        await KeepAsync(tenant, 1);
        var job = await tenant.OpenJobAsync();

        await tenant.LeaveStreamAsync(job);

        var call = (string)(await tenant.CompleteAfterCallsAsync(job)).Is(200)["calls"]![0]!["call_id"]!;
        var kept = (await ReadAsync(tenant, new(200, "", job, call))).Is(200);
        Assert.Equal("stop", (string)kept["answer"]!["choices"]![0]!["finish_reason"]!);
    }

    [Fact]
    public async Task The_operator_calls_and_reads_for_a_team_and_its_step_is_kept_by_its_job_alone()
    {
        var tenant = await ReadyAsync("gpt-4-turbo");
        await KeepAsync(tenant, 1);
        var job = await tenant.OpenJobAsync();
        var called = (await tenant.Operator.PostAsync($"/api/jobs/{job}/llm-call", $$"""{"model_group":"{{tenant.Group}}",{{Chat}}}""")).Is(200);
        (await tenant.Team.PostAsync("/api/jobs/submit", $$"""{"job_type":"test","steps":[{"model_group":"{{tenant.Group}}",{{Chat}}}]}""")).Is(200);

        var kept = await ReadAsync(tenant, new(200, "", job, (string)called["call_id"]!));

        kept.Is(200);
        Assert.Equal(kept.Text, (await tenant.Operator.GetAsync($"/api/jobs/{job}/calls/{called["call_id"]}/body")).Is(200).Text);
        await Eventually.IsSoAsync(
            async () => await ScalarAsync<long>($"SELECT count(*) FROM llm_calls WHERE team_id = '{tenant.TeamId}'") >= 2, () => "the submitted job's call was not made");
        Assert.Equal(1, await ScalarAsync<long>($"SELECT count(*) FROM llm_call_bodies WHERE team_id = '{tenant.TeamId}'"));
    }

    private async Task<Tenant> ReadyAsync(string model)
    {
        var tenant = await Tenant.CreateAsync(fixture, 10, model);
        if (model.StartsWith("text-embedding", StringComparison.Ordinal))
        {
            (await tenant.Operator.PutAsync($"/api/model-groups/{tenant.Group}", """{"kind":"embedding"}""")).Is(200);
        }

        await tenant.WaitForKeyAsync(fixture);
        return tenant;
    }

    private static async Task KeepAsync(Tenant tenant, int? days)
    {
        var set = (await tenant.Team.PutAsync($"/api/teams/{tenant.TeamId}/call-bodies", $$"""{"keep_days":{{days?.ToString() ?? "null"}}}""")).Is(200);
        Assert.Equal(days, (int?)set["keep_bodies_days"]);
    }

    private static async Task<Sent> SendAsync(Tenant tenant, string path, string body)
    {
        var job = path.Contains("JOB", StringComparison.Ordinal) ? await tenant.OpenJobAsync() : null;
        using var request = new HttpRequestMessage(
            HttpMethod.Post, path.Replace("JOB", job, StringComparison.Ordinal).Replace("GROUP", tenant.Group, StringComparison.Ordinal))
        {
            Content = new StringContent(body, Encoding.UTF8, "application/json"),
        };
        using var response = await tenant.Team.SendRawAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        job ??= HeaderOf(response, "x-job-id") ?? JobIn(text);
        return new((int)response.StatusCode, text, job, HeaderOf(response, "x-call-id"));
    }

    private static string? HeaderOf(HttpResponseMessage response, string name)
        => response.Headers.TryGetValues(name, out var values) ? values.Single() : null;

    private static string? JobIn(string text)
        => text.Split("\"job_id\":\"") is [_, var rest, ..] ? rest[..36] : null;

    // It is written a moment after the answer.
    private static async Task<ApiAnswer> ReadAsync(Tenant tenant, Sent sent)
    {
        for (var tries = 0; ; tries++)
        {
            var answer = await tenant.Team.GetAsync(sent.BodyPath);
            if (tries == 600 || answer.Status != 404)
            {
                return answer;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(100));
        }
    }

    // What a client that adds up the stream has in the end, by choice.
    private static string[] TextsIn(string stream)
    {
        var texts = new SortedDictionary<int, string>();
        foreach (var chunk in stream.Split('\n').Where(line => line.StartsWith("data: {", StringComparison.Ordinal)).Select(line => JsonNode.Parse(line[6..])!))
        {
            if ((string?)chunk["type"] == "response.output_text.delta")
            {
                texts[0] = texts.GetValueOrDefault(0) + (string)chunk["delta"]!;
            }

            foreach (var choice in chunk["choices"]?.AsArray() ?? [])
            {
                texts[(int)choice!["index"]!] = texts.GetValueOrDefault((int)choice["index"]!) + ((string?)choice["delta"]?["content"] ?? (string?)choice["text"]);
            }
        }

        return [.. texts.Values];
    }

    private static IEnumerable<string> TextsOf(JsonNode answer)
        => answer["output"] is { } output
            ? [(string)output[0]!["content"]![0]!["text"]!]
            : answer["choices"]!.AsArray().Select(choice => (string)(choice!["message"]?["content"] ?? choice["text"])!);

    private async Task<bool> IsPlainAnywhereAsync(Tenant tenant)
    {
        Assert.True(await ScalarAsync<bool>($"SELECT count(*) = 1 AND bool_and(request IS NOT NULL) FROM llm_call_bodies WHERE team_id = '{tenant.TeamId}'"));
        return await ScalarAsync<bool>($"""
            SELECT bool_or(position('{Prompt}'::bytea IN coalesce(request, '')) > 0 OR position('{Prompt}'::bytea IN coalesce(answer, '')) > 0
                           OR position('choices'::bytea IN coalesce(answer, '')) > 0 OR b::text LIKE '%{Prompt}%')
              FROM llm_call_bodies b WHERE team_id = '{tenant.TeamId}'
            """);
    }

    private async Task<T> ScalarAsync<T>(string sql)
    {
        await using var database = NpgsqlDataSource.Create((await fixture.AppAsync()).Stores.Postgres);
        await using var command = database.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    private sealed record Sent(int Status, string Text, string? JobId, string? CallId)
    {
        public bool IsStream => !Text.StartsWith('{');

        public string BodyPath => $"/api/jobs/{JobId}/calls/{CallId}/body";
    }
}
