using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;
using SaasLlm.Core.Llm.Gateway;
using SaasLlm.Core.Llm.Keys;
using SaasLlm.Tests.Infrastructure;
using SaasLlm.Tests.LiteLlmSimulator;

namespace SaasLlm.Tests.Llm;

/// <summary>Provisioning, on a real database: whatever fails half-way heals, and a key is not given up without reason.</summary>
public sealed class TeamGatewayKeysTests(AppFixture app) : IAsyncLifetime
{
    private const string Team = "team_1";

    private static readonly CancellationToken s_none = CancellationToken.None;

    private readonly HttpClient _http = new();
    private NpgsqlDataSource _database = null!;

    public async ValueTask InitializeAsync()
    {
        _database = NpgsqlDataSource.Create(await (await app.StoresAsync()).CreateDatabaseAsync());
        await RunAsync("""
            INSERT INTO organizations (organization_id, name) VALUES ('org_1', 'One');
            INSERT INTO teams (team_id, organization_id, team_alias) VALUES ('team_1', 'org_1', 'Team');
            INSERT INTO team_gateway_keys (team_id) VALUES ('team_1');
            """);
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task A_key_is_minted_once_stored_encrypted_and_works()
    {
        await using var simulator = await SimulatorHost.StartAsync();
        var keys = Keys(simulator.Client.BaseAddress!.ToString(), SimulatorHost.MasterKey);

        Assert.Equal("llm.key_pending", (await keys.GetAsync(Team, s_none)).Failure?.Code);
        Assert.True(await keys.ProvisionAsync(Team, s_none));
        Assert.True(await keys.ProvisionAsync(Team, s_none));

        var key = (await keys.GetAsync(Team, s_none)).Value;
        Assert.Equal(key, (await Keys(simulator.Client.BaseAddress!.ToString()).GetAsync(Team, s_none)).Value);
        using var chat = await simulator.ChatAsync("gpt-4o-mini", key: key);
        Assert.Equal(200, (int)chat.StatusCode);
        var stored = (byte[])(await ReadAsync("SELECT encrypted_key FROM team_gateway_keys"))!;
        Assert.DoesNotContain(key, System.Text.Encoding.Latin1.GetString(stored), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_gateway_that_was_not_there_is_asked_again_by_the_pass()
    {
        Assert.False(await Keys("http://127.0.0.1:1").ProvisionAsync(Team, s_none));
        Assert.Equal("the gateway is not there", await ReadAsync("SELECT last_error FROM team_gateway_keys"));

        await using var simulator = await SimulatorHost.StartAsync();
        var keys = Keys(simulator.Client.BaseAddress!.ToString(), SimulatorHost.MasterKey);
        var pass = new ProvisionGatewayKeysPass(new(_database), keys, TimeProvider.System);
        await RunAsync("UPDATE team_gateway_keys SET next_attempt_at = now() + interval '1 minute'");
        await pass.RunAsync(s_none);
        Assert.Equal("pending", await ReadAsync("SELECT state FROM team_gateway_keys"));

        await RunAsync("UPDATE team_gateway_keys SET next_attempt_at = now()");
        Assert.False(await pass.RunAsync(s_none));
        Assert.StartsWith("sk-", (await keys.GetAsync(Team, s_none)).Value, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_minted_key_whose_answer_was_lost_is_deleted_by_its_alias()
    {
        await using var gateway = await StubGateway.StartAsync();
        var generated = 0;
        gateway.Answer = (http, _) => http.Request.Path.Value switch
        {
            "/key/generate" => generated++ switch
            {
                0 => Abort(http),
                1 => StubGateway.Json(http, 400, StubGateway.Error("Key with alias 'saasllm-team_1' already exists.", "bad_request_error")),
                _ => StubGateway.Json(http, 200, """{"key":"sk-second-0123456789"}"""),
            },
            _ => StubGateway.Json(http, 200, "{}"),
        };
        var keys = Keys(gateway.BaseUrl);

        Assert.False(await keys.ProvisionAsync(Team, s_none));
        Assert.True(await keys.ProvisionAsync(Team, s_none));

        Assert.Equal("sk-second-0123456789", (await keys.GetAsync(Team, s_none)).Value);
        Assert.Equal("""{"key_aliases":["saasllm-team_1"]}""", Assert.Single(gateway.Requests, request => request.Path == "/key/delete").Body);
    }

    [Fact]
    public async Task A_refused_key_is_kept_while_the_gateway_has_no_database_and_replaced_once_when_it_has()
    {
        await using var gateway = await StubGateway.StartAsync();
        var minted = 0;
        var database = "disconnected";
        gateway.Answer = (http, _) => http.Request.Path.Value switch
        {
            "/key/generate" => StubGateway.Json(http, 200, $$"""{"key":"sk-number-{{++minted}}"}"""),
            "/health/readiness" => StubGateway.Json(http, database == "connected" ? 200 : 503, $$"""{"status":"healthy","db":"{{database}}"}"""),
            _ => StubGateway.Json(http, 200, "{}"),
        };
        var keys = Keys(gateway.BaseUrl);
        Assert.True(await keys.ProvisionAsync(Team, s_none));

        Assert.False(await keys.ReplaceAsync(Team, "sk-number-1", s_none));
        Assert.Equal("sk-number-1", (await keys.GetAsync(Team, s_none)).Value);

        database = "connected";
        var together = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => keys.ReplaceAsync(Team, "sk-number-1", s_none)));
        Assert.DoesNotContain(false, together);
        Assert.Equal("sk-number-2", (await keys.GetAsync(Team, s_none)).Value);

        // Refused again at once: another new key would not help.
        Assert.False(await keys.ReplaceAsync(Team, "sk-number-2", s_none));
        Assert.Equal(2, minted);
    }

    [Fact]
    public async Task A_key_that_another_encryption_key_wrote_is_minted_anew()
    {
        await using var simulator = await SimulatorHost.StartAsync();
        var url = simulator.Client.BaseAddress!.ToString();
        Assert.True(await Keys(url, SimulatorHost.MasterKey, "an older encryption key").ProvisionAsync(Team, s_none));
        var keys = Keys(url, SimulatorHost.MasterKey);

        Assert.Equal("llm.key_pending", (await keys.GetAsync(Team, s_none)).Failure?.Code);
        Assert.True(await keys.ProvisionAsync(Team, s_none));
        Assert.Null((await keys.GetAsync(Team, s_none)).Failure);
    }

    private static Task Abort(HttpContext http)
    {
        http.Abort();
        return Task.CompletedTask;
    }

    private TeamGatewayKeys Keys(string baseUrl, string masterKey = "sk-master", string encryptionKey = "an encryption key of ours")
    {
        var options = Options.Create(new GatewayOptions { BaseUrl = baseUrl, MasterKey = masterKey });
        var cipher = new KeyCipher(Options.Create(new EncryptionOptions { Key = encryptionKey }));
        // Who waits for another's key looks again and again, and gives up on no machine.
        var time = new StandingTime(pauseMax: TimeSpan.FromSeconds(1));
        return new(new(_database), new(_http, options), cipher, options, time, NullLogger<TeamGatewayKeys>.Instance);
    }

    private async Task RunAsync(string sql)
    {
        await using var command = _database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    private async Task<object?> ReadAsync(string sql)
    {
        await using var command = _database.CreateCommand(sql);
        return await command.ExecuteScalarAsync();
    }
}
