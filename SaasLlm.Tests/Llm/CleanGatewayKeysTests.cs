using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;
using SaasLlm.Core.Background;
using SaasLlm.Core.Llm.Gateway;
using SaasLlm.Core.Llm.Keys;
using SaasLlm.Tests.Infrastructure;
using SaasLlm.Tests.LiteLlmSimulator;

namespace SaasLlm.Tests.Llm;

/// <summary>Keys that nobody knows are deleted at the gateway: ours, old ones, and no others.</summary>
public sealed class CleanGatewayKeysTests(AppFixture app) : IAsyncLifetime
{
    private const string Secret = "an encryption key of ours";

    private static readonly KeyCipher s_cipher = Cipher(Secret);

    private readonly HttpClient _http = new();
    private NpgsqlDataSource _database = null!;

    public async ValueTask InitializeAsync()
    {
        _database = NpgsqlDataSource.Create(await (await app.StoresAsync()).CreateDatabaseAsync());
        await using var command = _database.CreateCommand("""
            INSERT INTO organizations (organization_id, name) VALUES ('org_1', 'One');
            INSERT INTO teams (team_id, organization_id, team_alias) VALUES ('team_1', 'org_1', 'Team'), ('team_2', 'org_1', 'Team');
            INSERT INTO team_gateway_keys (team_id) VALUES ('team_1'), ('team_2');
            """);
        await command.ExecuteNonQueryAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task Only_old_keys_of_ours_that_belong_to_nobody_are_deleted()
    {
        await using var simulator = await SimulatorHost.StartAsync();
        var gateway = new GatewayOptions { BaseUrl = simulator.Client.BaseAddress!.ToString(), MasterKey = SimulatorHost.MasterKey };
        simulator.Time.Shift = TimeSpan.FromHours(-2);
        Assert.True(await Keys(gateway).ProvisionAsync("team_1", default));
        var current = (await Keys(gateway).GetAsync("team_1", default)).Value;
        var lost = await GenerateAsync(simulator, "lost", "team_1", s_cipher.Installation);
        var gone = await GenerateAsync(simulator, "gone", "team_of_nobody", s_cipher.Installation);
        string[] kept =
        [
            current,
            await GenerateAsync(simulator, "others", "team_1", Cipher("an encryption key of others").Installation),
            await GenerateAsync(simulator, "the operator's", "team_1", null),
            // Whoever mints for it replaces it.
            await GenerateAsync(simulator, "pending", "team_2", s_cipher.Installation),
        ];
        // More than a page of them.
        var many = new List<string>();
        for (var number = 0; number < 120; number++)
        {
            many.Add(await GenerateAsync(simulator, $"many-{number}", "team_1", s_cipher.Installation));
        }

        simulator.Time.Shift = TimeSpan.FromMinutes(-50);
        var young = await GenerateAsync(simulator, "young", "team_1", s_cipher.Installation);
        simulator.Time.Shift = TimeSpan.Zero;

        Assert.False(await Pass(gateway).RunAsync(default));

        foreach (var key in kept.Append(young))
        {
            Assert.Equal("active", await StatusAsync(simulator, key));
        }

        foreach (var key in many.Append(lost).Append(gone))
        {
            Assert.Equal("deleted", await StatusAsync(simulator, key));
        }
    }

    [Fact]
    public async Task Without_its_database_the_gateway_is_not_believed_and_a_plain_one_not_asked()
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => http.Request.Path.Value == "/health/readiness"
            ? StubGateway.Json(http, 503, """{"status":"healthy","db":"disconnected"}""")
            : StubGateway.Json(http, 200, """{"keys":[],"total_count":0,"current_page":1,"total_pages":0}""");
        await Assert.ThrowsAsync<PassFailedException>(() => Pass(new() { BaseUrl = gateway.BaseUrl, MasterKey = "sk-master" }).RunAsync(default));
        Assert.Equal(["/health/readiness"], gateway.Requests.Select(request => request.Path));
        await Assert.ThrowsAsync<PassFailedException>(() => Pass(new() { BaseUrl = "http://127.0.0.1:1", MasterKey = "sk-master" }).RunAsync(default));

        Assert.False(await Pass(new() { BaseUrl = gateway.BaseUrl, Kind = "openai" }).RunAsync(default));
        Assert.Single(gateway.Requests);
    }

    private static KeyCipher Cipher(string secret) => new(Options.Create(new EncryptionOptions { Key = secret }));

    private static async Task<string> StatusAsync(SimulatorHost simulator, string key)
    {
        using var answer = await simulator.GetAsync($"/key/info?key={key}");
        return (string)JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["info"]!["status"]!;
    }

    private static async Task<string> GenerateAsync(SimulatorHost simulator, string alias, string team, string? mark)
    {
        using var answer = await simulator.PostAsync("/key/generate", new JsonObject
        {
            ["key_alias"] = alias,
            ["team_id"] = team,
            ["metadata"] = mark is null ? new JsonObject() : new JsonObject { ["saasllm_installation"] = mark },
        }.ToJsonString());
        return (string)JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["key"]!;
    }

    private CleanGatewayKeysPass Pass(GatewayOptions gateway)
        => new(new(_http, Options.Create(gateway)), new(_database), s_cipher, Options.Create(gateway), NullLogger<CleanGatewayKeysPass>.Instance);

    private TeamGatewayKeys Keys(GatewayOptions gateway)
        => new(new(_database), new(_http, Options.Create(gateway)), s_cipher, Options.Create(gateway), TimeProvider.System, NullLogger<TeamGatewayKeys>.Instance);
}
