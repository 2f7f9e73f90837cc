using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;
using SaasLlm.Core.Credits;
using SaasLlm.Tests.Access;
using SaasLlm.Tests.Infrastructure;
using SaasLlm.Tests.Llm;

namespace SaasLlm.Tests.Platform.Idempotency;

/// <summary>
/// Postgres goes while a keyed call is under way. What was sent and could not be settled is never sent again, whatever its repeats do; what
/// was settled, or never sent, is made anew.
/// </summary>
public sealed class UnsettledCallTests(AppFixture app)
{
    [Theory]
    [InlineData("/v1/chat/completions", "\"model\"", "")]
    [InlineData("/v1/chat/completions", "\"model\"", ",\"stream\":true")]
    [InlineData("/api/jobs/create-and-call", "\"job_type\":\"t\",\"model_group\"", "")]
    [InlineData("/api/jobs/JOB/llm-call", "\"model_group\"", "")]
    [InlineData("/api/jobs/JOB/llm-call-stream", "\"model_group\"", "")]
    public async Task A_call_that_could_not_be_settled_is_never_sent_again(string path, string model, string fields)
    {
        var stores = await app.StoresAsync();
        await using var gateway = await StubGateway.StartAsync();
        var database = new NpgsqlConnectionStringBuilder(await stores.CreateDatabaseAsync());
        using var wire = new TcpProxy(database.Host!, database.Port);
        (database.Host, database.Port, database.Timeout) = ("127.0.0.1", wire.Port, 60);
        await using var api = await StubbedApi.StartAsync(database.ConnectionString, stores.Redis, gateway, TimeSpan.FromSeconds(8));
        var (team, _, group) = await StubbedApi.TeamAsync(api);
        path = path.Replace("JOB", (string)(await team.PostAsync("/api/jobs/create", """{"job_type":"t"}""")).Is(200)["job_id"]!, StringComparison.Ordinal);
        var body = $$"""{{{model}}:"{{group}}","messages":[{"role":"user","content":"x"}]{{fields}}}""";
        gateway.Answer = (http, asked) =>
        {
            wire.Cut();
            return AnswerAsync(http, asked);
        };

        var first = await team.PostOnceAsync(path, body, "key-1");
        Assert.Contains("store.", first.Text, StringComparison.Ordinal);
        gateway.Answer = (http, _) => StubGateway.Json(http, 200, StubGateway.Completion());
        wire.Mend();
        await IsBackAsync(api);

        for (var repeat = 0; repeat < 2; repeat++)
        {
            (await team.PostOnceAsync(path, body, "key-1")).Is(409, "idempotency.outcome_unknown");
        }

        Assert.Single(gateway.Requests);
    }

    [Theory]
    [InlineData("/v1/chat/completions", "\"model\"", "")]
    [InlineData("/v1/chat/completions", "\"model\"", ",\"stream\":true")]
    [InlineData("/api/jobs/JOB/llm-call", "\"model_group\"", "")]
    public async Task A_call_that_was_recorded_as_failed_in_spite_of_a_gap_is_made_anew(string path, string model, string fields)
    {
        var stores = await app.StoresAsync();
        await using var gateway = await StubGateway.StartAsync();
        var database = new NpgsqlConnectionStringBuilder(await stores.CreateDatabaseAsync());
        using var wire = new TcpProxy(database.Host!, database.Port);
        (database.Host, database.Port, database.Timeout) = ("127.0.0.1", wire.Port, 60);
        using var logs = new LogCapture();
        await using var api = await StubbedApi.StartAsync(
            database.ConnectionString, stores.Redis, gateway, TimeSpan.FromSeconds(30), services => services.AddSingleton<ILoggerProvider>(logs));
        var (team, _, group) = await StubbedApi.TeamAsync(api, "model-a", "model-b");
        path = path.Replace("JOB", (string)(await team.PostAsync("/api/jobs/create", """{"job_type":"t"}""")).Is(200)["job_id"]!, StringComparison.Ordinal);
        var body = $$"""{{{model}}:"{{group}}","messages":[{"role":"user","content":"x"}]{{fields}}}""";
        gateway.Answer = (http, _) =>
        {
            wire.Cut();
            return StubGateway.Json(http, 500, "{}");
        };

        var call = team.PostOnceAsync(path, body, "key-1");
        // The second model was given up then, and the call's end waits for the store.
        await Eventually.IsSoAsync(
            () => logs.Entries.Any(entry => entry.Message.StartsWith("The end of call", StringComparison.Ordinal)), () => "the call's end was not tried");
        gateway.Answer = AnswerAsync;
        wire.Mend();
        (await call).Is(503, "llm.call_interrupted");

        var again = await team.PostOnceAsync(path, body, "key-1");

        Assert.Equal((200, null), (again.Status, again.Replayed));
        Assert.Equal(2, gateway.Requests.Count);
    }

    [Theory]
    [InlineData("/v1/chat/completions", "\"model\"", "")]
    [InlineData("/api/jobs/create-and-call", "\"job_type\":\"t\",\"model_group\"", "")]
    public async Task A_call_whose_beginning_may_be_recorded_and_that_was_never_sent_is_made_anew(string path, string model, string fields)
    {
        var stores = await app.StoresAsync();
        await using var gateway = await StubGateway.StartAsync();
        var database = new NpgsqlConnectionStringBuilder(await stores.CreateDatabaseAsync());
        await using var wire = new Credits.TcpProxy(database.Host!, database.Port);
        var direct = database.ConnectionString;
        (database.Host, database.Port) = ("127.0.0.1", wire.Port);
        await using var api = await StubbedApi.StartAsync(
            database.ConnectionString, stores.Redis, gateway, TimeSpan.FromSeconds(30),
            services => services.Configure<LedgerOptions>(options => options.LookUpPatience = TimeSpan.FromSeconds(1)));
        var (team, teamId, group) = await StubbedApi.TeamAsync(api);
        var body = $$"""{{{model}}:"{{group}}","messages":[{"role":"user","content":"x"}]{{fields}}}""";
        (wire.CutReplyTo, wire.GoesAwayWithCut) = ("COMMIT", true);

        (await team.PostOnceAsync(path, body, "key-1")).Is(503, "store.outcome_unknown");
        Assert.Empty(gateway.Requests);
        wire.ComeBack();
        await IsBackAsync(api);
        var again = await team.PostOnceAsync(path, body, "key-1");

        Assert.Equal((200, null), (again.Status, again.Replayed));
        Assert.Single(gateway.Requests);
        // The job that opened unheard is there still, and expires; one call was charged.
        await using var source = NpgsqlDataSource.Create(direct);
        await using var jobs = source.CreateCommand($"SELECT string_agg(status, ',' ORDER BY job_id) FROM jobs WHERE team_id = '{teamId}'");
        Assert.Equal("in_progress,completed", await jobs.ExecuteScalarAsync());
    }

    private static Task AnswerAsync(HttpContext http, string asked)
        => asked.Contains("\"stream\":true", StringComparison.Ordinal)
            ? StubGateway.Events(http,
                """{"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}]}""",
                """{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":1}}""",
                "[DONE]")
            : StubGateway.Json(http, 200, StubGateway.Completion());

    private static Task IsBackAsync(Replica api)
        => Eventually.IsSoAsync(async () => (await api.Operator.GetAsync("/api/organizations")).Status == 200, () => "Postgres did not come back");
}
