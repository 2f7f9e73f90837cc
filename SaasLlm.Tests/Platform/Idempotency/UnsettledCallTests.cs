using Npgsql;
using SaasLlm.Tests.Access;
using SaasLlm.Tests.Infrastructure;
using SaasLlm.Tests.Llm;

namespace SaasLlm.Tests.Platform.Idempotency;

/// <summary>A model answers, and Postgres is gone until the call's deadline: whatever its repeats do, the model is not asked twice.</summary>
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
            return asked.Contains("\"stream\":true", StringComparison.Ordinal)
                ? StubGateway.Events(http,
                    """{"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}]}""",
                    """{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":1}}""",
                    "[DONE]")
                : StubGateway.Json(http, 200, StubGateway.Completion());
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

    private static Task IsBackAsync(Replica api)
        => Eventually.IsSoAsync(async () => (await api.Operator.GetAsync("/api/organizations")).Status == 200, () => "Postgres did not come back");
}
