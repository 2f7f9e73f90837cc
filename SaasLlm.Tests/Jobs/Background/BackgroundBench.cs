using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Npgsql;
using SaasLlm.Core.Jobs.Background;
using SaasLlm.Core.Llm;
using SaasLlm.Core.Pricing;
using SaasLlm.Tests.Access;
using SaasLlm.Tests.Infrastructure;
using SaasLlm.Tests.Llm;

namespace SaasLlm.Tests.Jobs.Background;

/// <summary>An API and as many runners as a test wants, on a database of their own, before a gateway that answers what the test says.</summary>
public sealed class BackgroundBench(AppFixture app) : IAsyncLifetime
{
    private const string Model = "model-a";

    private static readonly HttpClient s_http = new() { Timeout = TimeSpan.FromMinutes(2) };

    private readonly List<TestRunner> _runners = [];
    private Dictionary<string, string?> _settings = [];
    private StubGateway? _gateway;
    private Replica? _api;
    private NpgsqlDataSource? _database;

    internal ApiClient Operator => _api!.Operator;

    /// <summary>The last user message of each call that arrived, in order.</summary>
    internal IEnumerable<string> Prompts => _gateway!.Requests.Where(request => IsCall(request.Body)).Select(request => PromptOf(request.Body));

    public async ValueTask InitializeAsync()
    {
        var stores = await app.StoresAsync();
        var postgres = await stores.CreateDatabaseAsync();
        _database = NpgsqlDataSource.Create(postgres);
        _gateway = await StubGateway.StartAsync();
        AnswerWith(prompt => $"Answer to: {prompt}");
        _settings = ApiFixture.Settings(postgres, stores.Redis);
        _settings["Gateway:BaseUrl"] = _gateway.BaseUrl;
        _settings["Gateway:BreakerFailures"] = "1000";
        _api = await Replica.StartAsync(_settings, Replace);
        (await Operator.PostAsync("/api/job-types/create", """{"name":"test","max_calls":10000}""")).Is(200);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var runner in _runners)
        {
            await runner.DisposeAsync();
        }

        await _api!.DisposeAsync();
        await _gateway!.DisposeAsync();
        await _database!.DisposeAsync();
    }

    /// <summary>Every call succeeds with this text.</summary>
    internal void AnswerWith(Func<string, string> text) => AnswerWith((http, prompt) => StubGateway.Json(http, 200, Completion(text(prompt))));

    /// <summary>Every call is answered so.</summary>
    internal void AnswerWith(Func<HttpContext, string, Task> answer) => _gateway!.Answer = (http, body) => IsCall(body) ? answer(http, PromptOf(body)) : StubGateway.Json(http, 404, "{}");

    internal static string Completion(string text) => StubGateway.Completion(model: Model)
        .Replace("\"Hello.\"", JsonSerializer.Serialize(text), StringComparison.Ordinal);

    /// <summary>One more runner. Its loops run if <paramref name="isStarted"/>; if not, the test calls what it does.</summary>
    /// <param name="replace">Replaces services.</param>
    /// <param name="poll">How often it looks for work that nobody told it of.</param>
    internal async Task<TestRunner> RunnerAsync(bool isStarted = true, Action<IServiceCollection>? replace = null, string poll = "00:00:00.02")
    {
        var settings = new Dictionary<string, string?>(_settings)
        {
            ["BackgroundJobs:Poll"] = poll,
            ["BackgroundJobs:RetryMin"] = "00:00:00.01",
            ["BackgroundJobs:RetryMax"] = "00:00:00.05",
            ["Ledger:CompleteWait"] = "00:00:00",
        };
        var runner = await TestRunner.StartAsync(settings, (Action<IServiceCollection>)Replace + replace, isStarted);
        _runners.Add(runner);
        return runner;
    }

    /// <summary>Looks after every plan that has not ended, now, whenever it is due.</summary>
    internal async Task RunPlansAsync(TestRunner runner)
    {
        await ExecuteAsync("UPDATE background_jobs SET due_at = now() - interval '1 second' WHERE state <> 'ended'");
        await runner.Get<PlansPass>().RunAsync(CancellationToken.None);
    }

    /// <summary>A JobRunner of its own, as it is deployed; the gateway is a plain one to it.</summary>
    internal RunnerProcess StartProcess() => RunnerProcess.Start(new Dictionary<string, string?>(_settings)
    {
        ["Gateway:Kind"] = "openai",
        ["Gateway:Key"] = "sk-of-the-gateway",
        ["Gateway:MasterKey"] = "",
        ["BackgroundJobs:Lease"] = "00:00:08",
        ["BackgroundJobs:Poll"] = "00:00:00.05",
    });

    /// <summary>A team with credits and a group of its own.</summary>
    internal async Task<BackgroundTenant> TenantAsync(decimal credits = 100)
    {
        var (organization, team, group) = (ApiFixture.Unique("org"), ApiFixture.Unique("team"), ApiFixture.Unique("Group"));
        (await Operator.PostAsync("/api/organizations/create", $$"""{"organization_id":"{{organization}}","name":"Org"}""")).Is(200);
        (await Operator.PostAsync("/api/model-groups/create", $$"""{"group_name":"{{group}}","display_name":"G","models":[{"model_name":"{{Model}}"}]}""")).Is(200);
        var created = (await Operator.PostAsync("/api/teams/create",
            $$"""{"organization_id":"{{organization}}","team_id":"{{team}}","team_alias":"T","model_groups":["{{group}}"],"credits_allocated":{{credits}}}""")).Is(200);
        var key = (string)created["virtual_key"]!;
        return new(this, _api!.As(key), key, team, group);
    }

    /// <summary>The same team with another key.</summary>
    internal BackgroundTenant With(BackgroundTenant tenant, string key) => new(this, _api!.As(key), key, tenant.TeamId, tenant.Group);

    /// <summary>The whole answer, whatever it is.</summary>
    internal async Task<HttpResponseMessage> GetAsync(BackgroundTenant tenant, string path, string? accept, string? lastEventId = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(_api!.Address, path));
        request.Headers.Authorization = new("Bearer", tenant.Key);
        if (accept is not null)
        {
            request.Headers.Accept.ParseAdd(accept);
        }

        if (lastEventId is not null)
        {
            request.Headers.Add("Last-Event-ID", lastEventId);
        }

        return await s_http.SendAsync(request);
    }

    internal async Task<T> ScalarAsync<T>(string sql, params object[] values)
    {
        await using var command = _database!.CreateCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.Add(new() { Value = value });
        }

        return (T)(await command.ExecuteScalarAsync())!;
    }

    internal async Task ExecuteAsync(string sql, params object[] values)
    {
        await using var command = _database!.CreateCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.Add(new() { Value = value });
        }

        await command.ExecuteNonQueryAsync();
    }

    /// <summary>No claim goes on until it is disposed, on a runner with a limit over all.</summary>
    internal async Task<NpgsqlConnection> HoldClaimsAsync()
    {
        var connection = await _database!.OpenConnectionAsync();
        await using var command = new NpgsqlCommand($"BEGIN; {StepSql.OneClaimAtATime}", connection);
        await command.ExecuteNonQueryAsync();
        return connection;
    }

    // A gateway is asked for its models and its health as well.
    private static bool IsCall(string body) => body.Contains("\"messages\"", StringComparison.Ordinal);

    private static string PromptOf(string body) => (string)JsonNode.Parse(body)!["messages"]!.AsArray()[^1]!["content"]!;

    private void Replace(IServiceCollection services)
    {
        services.RemoveAll<ITeamGatewayKeys>();
        services.AddSingleton<ITeamGatewayKeys>(new FakeKeys());
        services.RemoveAll<IPriceBook>();
        services.AddSingleton<IPriceBook>(new OnePrice());
    }

    // Whatever version a job opened with.
    private sealed class OnePrice : IPriceBook
    {
        public bool IsKnown => true;

        public ValueTask<long> NewestAsync(CancellationToken cancellation) => new(0);

        public ValueTask<long> NewestAsync(IReadOnlyCollection<string> models, CancellationToken cancellation) => new(0);

        public ValueTask<ModelPrice?> FindAsync(string model, long version, CancellationToken cancellation) => new(new ModelPrice(10, 30, 1));
    }
}
