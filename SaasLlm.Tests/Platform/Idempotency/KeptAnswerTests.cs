using System.Text;
using Npgsql;
using SaasLlm.ApiService.Platform.Idempotency;
using SaasLlm.Core.Common;
using SaasLlm.Core.Idempotency;
using SaasLlm.Tests.Access;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.Platform.Idempotency;

/// <summary>What is kept under a key, how, and how long.</summary>
[Collection(ApiTests.Name)]
public sealed class KeptAnswerTests(ApiFixture api, AppFixture app)
{
    private static string Key() => ApiFixture.Unique("key");

    [Fact]
    public async Task A_secret_that_is_shown_once_is_shown_again_and_cannot_be_read_in_the_table()
    {
        var team = await api.CreateTeamAsync();
        var (path, key, name) = ($"/api/teams/{team.Id}/keys/generate", Key(), ApiFixture.Unique("name"));
        var body = $$"""{"name":"{{name}}"}""";

        var lost = await api.WithoutAnswersAsync(() => api.First.As(team.Key).PostOnceAsync(path, body, key));
        var secret = (string)lost.Is(200)["virtual_key"]!;
        // Where the transaction left it first, and then where the answer is.
        await AssertNotReadableAsync(team, "result", secret, name);
        var repeat = (await api.Second.As(team.Key).PostOnceAsync(path, body, key)).Is(200);
        await AssertNotReadableAsync(team, "answer", secret, name);

        Assert.Equal((lost.Text, lost.Text), (repeat.Text, (await api.First.As(team.Key).PostOnceAsync(path, body, key)).Is(200).Text));
        (await api.Second.As(secret).GetAsync($"/api/teams/{team.Id}")).Is(200);
    }

    [Fact]
    public async Task A_key_can_be_used_anew_after_24_hours()
    {
        var team = await api.CreateTeamAsync(credits: 5);
        var (key, body) = (Key(), """{"job_type":"test"}""");
        var first = (await api.First.As(team.Key).PostOnceAsync("/api/jobs/create", body, key)).Is(200);
        await using var justBefore = await ShiftedAsync("23h59m");
        await using var justAfter = await ShiftedAsync("24h1m");

        Assert.Equal(first.Text, (await justBefore.As(team.Key).PostOnceAsync("/api/jobs/create", body, key)).Is(200).Text);
        var anew = (await justAfter.As(team.Key).PostOnceAsync("/api/jobs/create", """{"job_type":"other"}""", key)).Is(200);

        Assert.Null(anew.Replayed);
        Assert.NotEqual((string)first["job_id"]!, (string)anew["job_id"]!);
        Assert.Equal(anew.Text, (await justAfter.As(team.Key).PostOnceAsync("/api/jobs/create", """{"job_type":"other"}""", key)).Is(200).Text);
    }

    [Fact]
    public async Task JobRunner_removes_keys_after_24_hours_in_batches_and_leaves_the_others()
    {
        var postgres = await (await app.StoresAsync()).CreateDatabaseAsync();
        await using var source = NpgsqlDataSource.Create(postgres);
        await using var insert = source.CreateCommand("""
            INSERT INTO idempotency_keys (caller, scope, route, request_hash, state, work_id, fence, lease_until, expires_at, answer_status, answer)
            SELECT 'test', sha256(gen_random_uuid()::text::bytea), 'POST /', sha256(''), state, gen_random_uuid(), gen_random_uuid(),
                   now() + lease, now() + life, CASE state WHEN 'done' THEN 200 END, CASE state WHEN 'done' THEN ''::bytea END
              FROM (VALUES ('done', interval '-1 day', interval '-1 second', 500), ('released', '-1 day', '-1 second', 1),
                           ('running', '-1 second', '-1 second', 1), ('running', '10 minutes', '-1 second', 1), ('done', '-1 day', '10 minutes', 1)
                   ) AS keys(state, lease, life, many), generate_series(1, many)
            """);
        Assert.Equal(504, await insert.ExecuteNonQueryAsync());
        var pass = new ForgetIdempotencyKeysPass(source);

        Assert.True(await pass.RunAsync(default));
        Assert.False(await pass.RunAsync(default));

        await using var left = source.CreateCommand("SELECT string_agg(state, ',' ORDER BY state) FROM idempotency_keys");
        Assert.Equal("done,running", await left.ExecuteScalarAsync());
    }

    [Fact]
    public async Task A_failure_of_ours_is_not_kept_and_its_repeat_works()
    {
        var group = await api.CreateGroupAsync();
        var team = await api.CreateTeamAsync(5, null, group);
        var (client, key) = (api.First.As(team.Key), Key());
        var job = (string)(await client.PostAsync("/api/jobs/create", """{"job_type":"test"}""")).Is(200)["job_id"]!;
        var body = $$"""{"model_group":"{{group}}","messages":[{"role":"user","content":"hi"}]}""";

        // There is no gateway behind these replicas.
        var first = (await client.PostOnceAsync($"/api/jobs/{job}/llm-call", body, key)).Is(503);
        var again = (await client.PostOnceAsync($"/api/jobs/{job}/llm-call", body, key)).Is(503);

        Assert.Equal((null, null), (first.Replayed, again.Replayed));
        Assert.Equal("released 2", await api.ScalarAsync<string>(
            "SELECT state || ' ' || attempts FROM idempotency_keys WHERE caller = $1", $"team:{team.Id}"));
        (await client.PostOnceAsync($"/api/jobs/{job}/llm-call", body + " ", key)).Is(409, "idempotency.key_reused");
    }

    // Two megabytes pass where the route takes twenty, and not where it takes one.
    [Fact]
    public async Task A_keyed_body_has_its_routes_limit()
    {
        var team = await api.CreateTeamAsync(credits: 5);
        var client = api.First.As(team.Key);
        var job = (string)(await client.PostAsync("/api/jobs/create", """{"job_type":"test"}""")).Is(200)["job_id"]!;
        var large = $$"""{"model_group":"None","messages":[{"role":"user","content":"{{new string('x', 2 * 1024 * 1024)}}"}]}""";

        (await client.PostOnceAsync($"/api/jobs/{job}/llm-call", large, Key())).Is(404, "model_group.not_found");
        (await client.PostAsync($"/api/jobs/{job}/llm-call", large)).Is(404, "model_group.not_found");
        (await client.PostOnceAsync("/api/jobs/create", large, Key())).Is(413, "request.too_large");
        Assert.Equal(1, await api.ScalarAsync<int>("SELECT count(*)::int FROM idempotency_keys WHERE caller = $1", $"team:{team.Id}"));
    }

    [Theory]
    [InlineData(200, null, "Keep")]
    [InlineData(204, null, "Keep")]
    [InlineData(400, null, "Keep")]
    [InlineData(402, null, "Keep")]
    [InlineData(404, null, "Keep")]
    [InlineData(409, null, "Keep")]
    [InlineData(422, null, "Keep")]
    [InlineData(409, "1", "Forget")] // jobs.call_running: nothing was changed, come again
    [InlineData(408, null, "Forget")]
    [InlineData(429, null, "Forget")]
    [InlineData(429, "10", "Forget")]
    [InlineData(500, null, "Release")]
    [InlineData(502, null, "Release")]
    [InlineData(503, "1", "Release")]
    public void Committed_answers_are_kept(int status, string? retryAfter, string fate)
        => Assert.Equal(fate, AnswerCapture.FateOf(new(status, retryAfter is null ? [] : [new("Retry-After", retryAfter)], default)).ToString());

    // What calls no model goes on where it was, whatever the store says of itself: under its ids it is done once.
    [Theory]
    [InlineData("store.unavailable")]
    [InlineData("store.outcome_unknown")]
    public void Without_a_call_a_failure_of_the_stores_is_released(string code)
        => Assert.Equal("Release", AnswerCapture.FateOf(new(503, [], default), new(FailureKind.Unavailable, code, "x")).ToString());

    // A call that is over is free to be made again, and so is one that was never sent, though its beginning may be recorded.
    [Theory]
    [InlineData(200, null, "Keep")]
    [InlineData(200, "llm.stream_failed", "Renew")]
    [InlineData(200, "store.unavailable", "Release")]
    [InlineData(200, "store.outcome_unknown", "Renew")]
    [InlineData(400, "llm.request_rejected", "Keep")]
    [InlineData(409, "job.ended", "Keep")]
    [InlineData(502, "llm.all_models_failed", "Renew")]
    [InlineData(503, "llm.gateway_unavailable", "Renew")]
    [InlineData(503, "store.unavailable", "Release")]
    [InlineData(503, "store.outcome_unknown", "Renew")]
    [InlineData(500, null, "Release")]
    public void A_calls_answer_is_kept_unless_it_failed(int status, string? code, string fate)
        => Assert.Equal(
            fate, AnswerCapture.FateOf(new(status, [], default), code is null ? null : new(FailureKind.Unavailable, code, "x"), isCall: true).ToString());

    // Sent is paid for: what became of it is not found out by sending it again.
    [Theory]
    [InlineData(200, null, "Keep")]
    [InlineData(200, "llm.stream_failed", "Renew")]
    [InlineData(200, "store.unavailable", "Abandon")]
    [InlineData(200, "store.outcome_unknown", "Abandon")]
    [InlineData(502, "llm.all_models_failed", "Renew")]
    [InlineData(503, "llm.call_interrupted", "Renew")]
    [InlineData(503, "store.unavailable", "Abandon")]
    [InlineData(503, "store.outcome_unknown", "Abandon")]
    [InlineData(500, null, "Abandon")]
    public void What_was_sent_and_may_not_be_recorded_is_never_sent_again(int status, string? code, string fate)
        => Assert.Equal(
            fate,
            AnswerCapture.FateOf(new(status, [], default), code is null ? null : new(FailureKind.Unavailable, code, "x"), isCall: true, wasSent: true).ToString());

    [Theory]
    [InlineData("k", true)]
    [InlineData("8e03978e-40d5-43e8-bc93-6894a57f9324", true)]
    [InlineData("\"quoted\"", true)]
    [InlineData("", false)]
    [InlineData(" k", false)]
    [InlineData("é", false)]
    [InlineData("\u007f", false)]
    [InlineData(null, false)]
    public void A_key_is_visible_ascii(string? key, bool isKey) => Assert.Equal(isKey, KeyedRequest.IsKey(key));

    private async Task AssertNotReadableAsync(TestTeam team, string column, params string[] texts)
    {
        var caller = $"team:{team.Id}";
        Assert.Equal(1, await api.ScalarAsync<int>($"SELECT count({column})::int FROM idempotency_keys WHERE caller = $1", caller));
        foreach (var text in texts)
        {
            Assert.Equal(0, await api.ScalarAsync<int>($"SELECT coalesce(max(position($2 in {column})), 0) FROM idempotency_keys WHERE caller = $1",
                caller, Encoding.UTF8.GetBytes(text)));
            Assert.Equal(0, await api.ScalarAsync<int>("SELECT count(*)::int FROM idempotency_keys t WHERE caller = $1 AND strpos(t::text, $2) > 0", caller, text));
        }
    }

    private async Task<Replica> ShiftedAsync(string shift) => await Replica.StartAsync(ApiFixture.Settings(
        $"{api.PostgresConnection};Options=-c saasllm.clock_shift={shift}", (await app.StoresAsync()).Redis));
}
