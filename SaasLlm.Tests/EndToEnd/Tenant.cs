using System.Text.Json.Nodes;
using SaasLlm.Tests.Access;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.EndToEnd;

/// <summary>A team of its own on the running product, with a model group of its own: tests do not meet.</summary>
internal sealed class Tenant(ApiClient asOperator, ApiClient asTeam, string virtualKey, string teamId, string organizationId, string group)
{
    private const int TriesMax = 60;

    private const string Hello = """[{"role":"user","content":"Say hello."}]""";

    public ApiClient Operator => asOperator;

    public ApiClient Team => asTeam;

    public string VirtualKey => virtualKey;

    public string TeamId => teamId;

    public string OrganizationId => organizationId;

    public string Group => group;

    public static async Task<Tenant> CreateAsync(AppFixture fixture, int credits = 10, params string[] models)
    {
        var app = await fixture.AppAsync();
        var asOperator = new ApiClient(app.Api.BaseAddress!, AppFixture.AdminKey);
        var unique = Guid.NewGuid().ToString("N")[..12];
        var (organization, team, group) = ($"org_{unique}", $"team_{unique}", $"Group-{unique}");
        (await asOperator.PostAsync("/api/organizations/create", $$"""{"organization_id":"{{organization}}","name":"Test"}""")).Is(200);
        await CreateGroupAsync(asOperator, group, models);
        var created = (await asOperator.PostAsync("/api/teams/create",
            $$"""{"organization_id":"{{organization}}","team_id":"{{team}}","team_alias":"T","model_groups":["{{group}}"],"credits_allocated":{{credits}}}""")).Is(200);
        var key = (string)created["virtual_key"]!;
        return new(asOperator, new(app.Api.BaseAddress!, key), key, team, organization, group);
    }

    /// <summary>A further group, named after this one and not granted yet; its name.</summary>
    public async Task<string> AddGroupAsync(string ending, params string[] models)
    {
        var name = $"{group}-{ending}";
        await CreateGroupAsync(asOperator, name, models);
        return name;
    }

    /// <summary>A group of models that make vectors, not granted yet; its name.</summary>
    public async Task<string> AddEmbeddingGroupAsync(string model)
    {
        var name = $"{group}-vectors";
        (await asOperator.PostAsync("/api/model-groups/create",
            $$"""{"group_name":"{{name}}","display_name":"G","kind":"embedding","models":[{"model_name":"{{model}}","priority":0}]}""")).Is(200);
        return name;
    }

    /// <summary>These groups and no others.</summary>
    public async Task GrantAsync(params string[] groups)
        => (await asOperator.PutAsync($"/api/teams/{teamId}/model-groups", System.Text.Json.JsonSerializer.Serialize(groups))).Is(200);

    public async Task<string> OpenJobAsync() => (string)(await Team.PostAsync("/api/jobs/create", """{"job_type":"test"}""")).Is(200)["job_id"]!;

    /// <summary>A call of the team's group, as <paramref name="path"/> takes it, and <paramref name="fields"/> behind it, each after a comma.</summary>
    public string CallBody(string path, string fields = "")
    {
        var model = path.StartsWith("/v1", StringComparison.Ordinal) ? "model" : "model_group";
        return $$"""{"{{model}}":"{{group}}","messages":[{"role":"user","content":"x"}]{{fields}}}""";
    }

    /// <summary>A busy machine may set the team's gateway key up late, or read the gateway's prices: then the call is repeated, as its answer asks.</summary>
    public async Task<ApiAnswer> CallAsync(string job, string? messages = null)
    {
        for (var tries = 1; ; tries++)
        {
            var answer = await Team.PostAsync($"/api/jobs/{job}/llm-call", $$"""{"model_group":"{{group}}","messages":{{messages ?? Hello}}}""");
            if (tries == TriesMax || answer.Status != 503 || answer.Code is not ("llm.key_pending" or "llm.gateway_unavailable"))
            {
                return answer;
            }

            await Task.Delay(TimeSpan.FromSeconds(1));
        }
    }

    /// <summary>A streamed call, read to its end.</summary>
    public async Task<StreamAnswer> StreamAsync(string job)
    {
        for (var tries = 1; ; tries++)
        {
            using var request = StreamRequest(job);
            using var response = await Team.SendRawAsync(request);
            var answer = new StreamAnswer((int)response.StatusCode, response.Content.Headers.ContentType?.MediaType, await response.Content.ReadAsStringAsync());
            if (tries == TriesMax || answer.Status != 503 || !answer.Text.Contains("llm.key_pending", StringComparison.Ordinal))
            {
                return answer;
            }

            await Task.Delay(TimeSpan.FromSeconds(1));
        }
    }

    /// <summary>A streamed call that is left after its first byte.</summary>
    public async Task LeaveStreamAsync(string job)
    {
        using var request = StreamRequest(job);
        using var response = await Team.SendRawAsync(request);
        await using var body = await response.Content.ReadAsStreamAsync();
        Assert.Equal(1, await body.ReadAsync(new byte[1]));
    }

    /// <summary>A stream by any route, read to its end.</summary>
    public async Task<StreamAnswer> StreamAsync(string path, string body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = Json(body) };
        using var response = await Team.SendRawAsync(request);
        return new((int)response.StatusCode, response.Content.Headers.ContentType?.MediaType, await response.Content.ReadAsStringAsync());
    }

    /// <summary>A request with <c>X-Job-Id</c>.</summary>
    public async Task<ApiAnswer> PostInJobAsync(string job, string path, string body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = Json(body), Headers = { { "X-Job-Id", job } } };
        using var response = await Team.SendRawAsync(request);
        return new((int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    /// <summary>Until the team's key at the gateway is there.</summary>
    public async Task WaitForKeyAsync(AppFixture fixture)
    {
        await using var database = Npgsql.NpgsqlDataSource.Create((await fixture.AppAsync()).Stores.Postgres);
        for (var tries = 0; tries < TriesMax * 10; tries++)
        {
            await using var command = database.CreateCommand($"SELECT state FROM team_gateway_keys WHERE team_id = '{teamId}'");
            if (await command.ExecuteScalarAsync() is "ready")
            {
                return;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(100));
        }

        Assert.Fail("The team's gateway key was not provisioned.");
    }

    private static async Task CreateGroupAsync(ApiClient asOperator, string name, string[] models)
    {
        var list = string.Join(',', models.Select((model, priority) => $$"""{"model_name":"{{model}}","priority":{{priority}}}"""));
        (await asOperator.PostAsync("/api/model-groups/create", $$"""{"group_name":"{{name}}","display_name":"G","models":[{{list}}]}""")).Is(200);
    }

    private static StringContent Json(string body) => new(body, System.Text.Encoding.UTF8, "application/json");

    private HttpRequestMessage StreamRequest(string job) => new(HttpMethod.Post, $"/api/jobs/{job}/llm-call-stream")
    {
        Content = Json($$"""{"model_group":"{{group}}","messages":{{Hello}}}"""),
    };

    /// <summary>Until a call of the job runs.</summary>
    public Task WaitForRunningCallAsync(string job)
        => Eventually.IsSoAsync(async () => (string)(await Team.GetAsync($"/api/jobs/{job}")).Is(200)["status"]! == "in_progress", () => "the call did not start");

    /// <summary>Completes a job one of whose calls may still run: as long as completing does not outwait it, it is repeated, as its answer asks.</summary>
    public async Task<ApiAnswer> CompleteAfterCallsAsync(string job)
    {
        for (var tries = 1; ; tries++)
        {
            var answer = await CompleteAsync(job);
            if (tries == TriesMax || answer.Status != 409 || answer.Code != "jobs.call_running")
            {
                return answer;
            }
        }
    }

    public Task<ApiAnswer> CompleteAsync(string job, string status = "completed")
        => Team.PostAsync($"/api/jobs/{job}/complete", $$"""{"status":"{{status}}"}""");

    public async Task<string> NewKeyAsync()
        => (string)(await Operator.PostAsync($"/api/teams/{teamId}/keys/generate", """{"name":"another"}""")).Is(200)["virtual_key"]!;

    public async Task<JsonNode> BalanceAsync() => (await Team.GetAsync($"/api/credits/teams/{teamId}/balance")).Is(200).Json;

    public async Task<JsonArray> AttemptsAsync(string job)
        => (await Operator.GetAsync($"/api/jobs/{job}/costs")).Is(200)["calls"]![0]!["attempts"]!.AsArray();
}

/// <summary>An answer of server-sent events, or the refusal in its place.</summary>
internal sealed record StreamAnswer(int Status, string? ContentType, string Text)
{
    /// <summary>What stood behind <c>data:</c>, in order.</summary>
    public string[] Events { get; } =
        [.. Text.Split("\n\n").Where(part => part.StartsWith("data: ", StringComparison.Ordinal)).Select(part => part["data: ".Length..])];
}
