using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using SaasLlm.Core.Credits.Redis;
using SaasLlm.Core.Llm;
using SaasLlm.Tests.Access;
using SaasLlm.Tests.Infrastructure;
using StackExchange.Redis;

namespace SaasLlm.Tests.Llm.Limits;

/// <summary>How often a request waits for Redis, and what it sends there, once everything that is kept in memory is there.</summary>
public sealed class WaitsOnRedisTests(AppFixture app) : IAsyncLifetime
{
    private const string Limits = """{"requests_per_minute":1000,"tokens_per_minute":100000000,"parallel_calls":10}""";
    private const int CallsMax = 60;
    private const string Messages = "\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":50";

    private readonly CountedRedis _counted = new();
    private StubGateway _gateway = null!;
    private ConnectionMultiplexer _redis = null!;
    private Replica _api = null!;

    public async ValueTask InitializeAsync()
    {
        var stores = await app.StoresAsync();
        _gateway = await StubGateway.StartAsync();
        _gateway.Answer = (http, body) => body.Contains("\"stream\":true", StringComparison.Ordinal)
            ? StubGateway.Events(http,
                """{"id":"1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}]}""",
                """{"id":"1","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":1,"total_tokens":10}}""",
                "[DONE]")
            : StubGateway.Json(http, 200, StubGateway.Completion());
        _redis = await ConnectionMultiplexer.ConnectAsync(stores.Redis);
        var settings = ApiFixture.Settings(await stores.CreateDatabaseAsync(), stores.Redis);
        settings["Gateway:BaseUrl"] = _gateway.BaseUrl;
        settings["Pricing:Models:model-a:InputUsdPerMillion"] = "1";
        settings["Pricing:Models:model-a:OutputUsdPerMillion"] = "1";
        settings["Ledger:RedisTimeout"] = "00:00:05";
        settings["Ledger:RefusalAgeMax"] = "00:01:00";
        _api = await Replica.StartAsync(settings, services => services
            .Replace(ServiceDescriptor.Singleton<ITeamGatewayKeys>(new FakeGatewayKeys()))
            .Replace(ServiceDescriptor.Singleton(CountedRedis.Over(_redis, _counted)))
            .Replace(ServiceDescriptor.Singleton<TimeProvider>(new LateFlush())));
    }

    public async ValueTask DisposeAsync()
    {
        await _api.DisposeAsync();
        _redis.Dispose();
        await _gateway.DisposeAsync();
    }

    // Before the call: is it within its limits, and set its price aside. After it: what it used, its place, and the account it left.
    [Theory]
    [InlineData("/v1/chat/completions", "", true, 2, 3)]
    [InlineData("/v1/chat/completions", ",\"stream\":true", true, 2, 3)]
    [InlineData("/api/jobs/create-and-call", ",\"job_type\":\"t\"", true, 2, 3)]
    [InlineData("/api/jobs/create-and-call-stream", ",\"job_type\":\"t\"", true, 2, 3)]
    [InlineData("/v1/chat/completions", "", false, 2, 2)]
    [InlineData("/api/jobs/JOB/llm-call", "", true, 2, 2)]
    [InlineData("/api/jobs/JOB/llm-call", "", false, 0, 0)]
    public async Task A_warm_call_waits_twice(string path, string fields, bool isLimited, int waits, int commands)
    {
        var (team, group) = await TeamAsync(isLimited ? Limits : "{}");
        path = path.Replace("JOB", (string)(await team.PostAsync("/api/jobs/create", """{"job_type":"t"}""")).Is(200)["job_id"]!, StringComparison.Ordinal);
        var body = $$"""{"model{{(path.StartsWith("/v1", StringComparison.Ordinal) ? "" : "_group")}}":"{{group}}",{{Messages}}{{fields}}}""";

        var seen = await LeastAsync(waits, commands, _ => SendAsync(team, path, body, 200));

        Assert.All(seen.Commands, command => Assert.Equal("ScriptEvaluateAsync", command));
    }

    [Fact]
    public async Task A_keyed_call_waits_no_more_often()
    {
        var (team, group) = await TeamAsync(Limits);
        var body = $$"""{"model":"{{group}}",{{Messages}}}""";

        await LeastAsync(2, 3, n => SendAsync(team, "/v1/chat/completions", body, 200, $"key-{n}"));
        await LeastAsync(0, 0, _ => SendAsync(team, "/v1/chat/completions", body, 200, "key-0"));
    }

    [Fact]
    public async Task A_call_over_its_limit_waits_once_and_one_without_credits_gives_its_place_back()
    {
        var (limited, limitedGroup) = await TeamAsync("""{"requests_per_minute":3}""");
        var (poor, poorGroup) = await TeamAsync(Limits, credits: 3);
        for (var n = 0; n < 3; n++)
        {
            await SendAsync(limited, "/v1/chat/completions", $$"""{"model":"{{limitedGroup}}",{{Messages}}}""", 200);
            await SendAsync(poor, "/v1/chat/completions", $$"""{"model":"{{poorGroup}}",{{Messages}}}""", 200);
        }

        await LeastAsync(1, 1, _ => SendAsync(limited, "/v1/chat/completions", $$"""{"model":"{{limitedGroup}}",{{Messages}}}""", 429));
        await LeastAsync(2, 2, _ => SendAsync(poor, "/v1/chat/completions", $$"""{"model":"{{poorGroup}}",{{Messages}}}""", 402));
    }

    // The first calls fill memory and teach the scripts. On a starved machine change notices come late, and what is in memory is then read again from
    // call to call: so a call may need more, as long as one needs no more than this.
    private static async Task<(int Waits, string[] Commands)> LeastAsync(int waits, int commands, Func<int, Task<(int Waits, string[] Commands)>> call)
    {
        List<(int Waits, string[] Commands)> seen = [];
        for (var n = 0; n < CallsMax && !seen.Exists(one => one.Waits <= waits && one.Commands.Length <= commands); n++)
        {
            seen.Add(await call(n));
        }

        var least = seen.MinBy(one => (one.Waits, one.Commands.Length));
        Assert.Equal((waits, commands), (least.Waits, least.Commands.Length));
        return least;
    }

    private async Task<(int Waits, string[] Commands)> SendAsync(ApiClient team, string path, string body, int status, string? key = null)
    {
        await _counted.TakeAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body, System.Text.Encoding.UTF8, "application/json") };
        if (key is not null)
        {
            request.Headers.Add("Idempotency-Key", key);
        }

        using var response = await team.SendRawAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(status == (int)response.StatusCode, text);
        return await _counted.TakeAsync();
    }

    private async Task<(ApiClient Team, string Group)> TeamAsync(string limits, int credits = 100)
    {
        var (organization, team, group) = (ApiFixture.Unique("org"), ApiFixture.Unique("team"), ApiFixture.Unique("Group"));
        (await _api.Operator.PostAsync("/api/organizations/create", $$"""{"organization_id":"{{organization}}","name":"Org"}""")).Is(200);
        (await _api.Operator.PostAsync("/api/model-groups/create", $$"""{"group_name":"{{group}}","display_name":"G","models":[{"model_name":"model-a"}]}""")).Is(200);
        var created = (await _api.Operator.PostAsync("/api/teams/create", $$"""
            {"organization_id":"{{organization}}","team_id":"{{team}}","team_alias":"T","model_groups":["{{group}}"],"credits_allocated":{{credits}}}
            """)).Is(200);
        (await _api.Operator.PutAsync($"/api/teams/{team}", $$"""{"limits":{{limits}}}""")).Is(200);
        return (_api.As((string)created["virtual_key"]!), group);
    }

    // What opens a hold is told with its end, however slow this machine is; a push between them is nobody's wait.
    private sealed class LateFlush : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
            => base.CreateTimer(callback, state, dueTime == WaitingPushes.WaitMax ? TimeSpan.FromMinutes(1) : dueTime, period);
    }
}
