using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Npgsql;
using SaasLlm.Core.Changes;
using SaasLlm.Core.Common;
using SaasLlm.Core.Llm;
using SaasLlm.Tests.Infrastructure;
using StackExchange.Redis;

namespace SaasLlm.Tests.Access;

/// <summary>Two replicas on the same stores, each with its own wire to Redis, and ways to make what tests need.</summary>
public class ApiFixture(AppFixture app) : IAsyncLifetime
{
    // A millisecond each: ids of the same one are in no order.
    private static readonly DateTimeOffset s_madeAt = DateTimeOffset.UtcNow;

    private static int s_made;
    private static int s_names;

    private NpgsqlDataSource? _database;
    private Replica? _first;
    private Replica? _second;
    private TcpProxy? _firstRedis;
    private TcpProxy? _secondRedis;

    internal Replica First => _first!;

    internal Replica Second => _second!;

    internal TcpProxy FirstRedis => _firstRedis!;

    internal TcpProxy SecondRedis => _secondRedis!;

    internal ApiClient Operator => First.Operator;

    /// <summary>Both replicas' clock.</summary>
    internal virtual TimeProvider Time => TimeProvider.System;

    internal FakeGatewayKeys Gateway { get; } = new();

    internal NpgsqlDataSource Database => _database!;

    /// <summary>The connection string, with its password.</summary>
    internal string PostgresConnection { get; private set; } = "";

    /// <summary>A name nobody else uses, in this run or another.</summary>
    internal static string Unique(string prefix) => $"{prefix}_{Guid.NewGuid():N}"[..24] + Interlocked.Increment(ref s_names);

    public async ValueTask InitializeAsync()
    {
        var stores = await app.StoresAsync();
        // A database of its own: no job runner changes what a test just made.
        var postgres = await stores.CreateDatabaseAsync();
        PostgresConnection = postgres;
        _database = NpgsqlDataSource.Create(postgres);
        (_firstRedis, _first) = await StartAsync(postgres, stores.Redis);
        (_secondRedis, _second) = await StartAsync(postgres, stores.Redis);
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        foreach (var replica in new[] { _first, _second }.OfType<Replica>())
        {
            await replica.DisposeAsync();
        }

        _firstRedis?.Dispose();
        _secondRedis?.Dispose();
        if (_database is not null)
        {
            await _database.DisposeAsync();
        }
    }

    /// <summary>Waits until both replicas reach Redis and hear of changes again.</summary>
    internal async Task WaitForFeedsAsync()
    {
        foreach (var services in new[] { First.Services, Second.Services })
        {
            var feed = services.GetRequiredService<ChangeFeed>();
            // The client has two connections, for commands and for notices, and they come back one by one.
            var redis = services.GetRequiredService<RedisCalls>();
            for (var tries = 0; !feed.IsLive || await redis.TryAsync(db => db.PingAsync(), TimeSpan.MaxValue) == TimeSpan.MaxValue; tries++)
            {
                Assert.True(tries < 1200, "Redis did not come back within a minute");
                await PauseAsync();
            }
        }
    }

    /// <summary>
    /// A change comes to be seen. That is a matter of milliseconds, or of a second without Redis; a machine that stands still gets more, but
    /// less than the ten seconds after which a cache looks again by itself.
    /// </summary>
    internal static Task SpreadsAsync(Func<Task<bool>> isSeen)
        => Eventually.IsSoAsync(isSeen, () => "The change is not seen", TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(8));

    internal async Task<string> CreateOrganizationAsync()
    {
        var id = Unique("org");
        (await Operator.PostAsync("/api/organizations/create", $$"""{"organization_id":"{{id}}","name":"Org"}""")).Is(200);
        return id;
    }

    internal async Task<string> CreateGroupAsync(params string[] models)
    {
        var name = Unique("Group");
        var list = string.Join(",", (models.Length == 0 ? ["gpt-4-turbo", "gpt-3.5-turbo"] : models).Select(model => $$"""{"model_name":"{{model}}"}"""));
        (await Operator.PostAsync("/api/model-groups/create", $$"""{"group_name":"{{name}}","display_name":"G","models":[{{list}}]}""")).Is(200);
        return name;
    }

    internal async Task<TestTeam> CreateTeamAsync(decimal credits = 100, string? organization = null, params string[] groups)
    {
        organization ??= await CreateOrganizationAsync();
        var id = Unique("team");
        var names = string.Join(",", groups.Select(group => $"\"{group}\""));
        var created = (await Operator.PostAsync("/api/teams/create", $$"""
            {"organization_id":"{{organization}}","team_id":"{{id}}","team_alias":"Team","model_groups":[{{names}}],"credits_allocated":{{credits}}}
            """)).Is(200);
        return new(id, organization, (string)created["virtual_key"]!, Guid.Parse((string)created["key_id"]!));
    }

    internal async Task<Guid> CreateWebhookAsync(TestTeam team, string url = "https://example.com/hook")
        => (Guid)(await Operator.PostAsync("/api/webhooks/register", $$"""{"team_id":"{{team.Id}}","url":"{{url}}"}""")).Is(200)["webhook_id"]!;

    /// <summary>A message that this webhook did not take; its id.</summary>
    internal Task<Guid> CreateDeliveryAsync(Guid webhook, string state = "dead") => ScalarAsync<Guid>("""
        INSERT INTO webhook_deliveries (endpoint_id, message_id, team_id, topic, body, occurred_at, state, due_at, tries, attempts, http_status, error, ended_at)
        SELECT endpoint_id, $2, team_id, 'job.completed', '{"type":"job.completed","timestamp":"2026-01-31T12:00:00Z","data":{}}',
               '2026-01-31 12:00Z', $3, now(), 10, 10, 500, 'http_status', CASE WHEN $3 <> 'pending' THEN now() END
          FROM webhook_endpoints WHERE endpoint_id = $1
        RETURNING message_id
        """, webhook, Guid.CreateVersion7(s_madeAt.AddMilliseconds(Interlocked.Increment(ref s_made))), state);

    internal async Task<T> ScalarAsync<T>(string sql, params object[] values)
    {
        await using var command = Database.CreateCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.Add(new() { Value = value });
        }

        return (T)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>A replica's configuration. There is no gateway behind it, nor behind <c>vllm</c>.</summary>
    internal static Dictionary<string, string?> Settings(string postgres, string redis) => new()
    {
        ["ConnectionStrings:saasllm"] = postgres,
        ["ConnectionStrings:redis"] = redis,
        ["Gateway:BaseUrl"] = "http://127.0.0.1:9",
        ["Gateway:MasterKey"] = AppFixture.MasterKey,
        ["Encryption:Key"] = AppFixture.EncryptionKey,
        ["Gateways:vllm:BaseUrl"] = "http://127.0.0.1:9/v1",
    };

    private protected virtual Task PauseAsync() => Task.Delay(50);

    private async Task<(TcpProxy Wire, Replica Replica)> StartAsync(string postgres, string redis)
    {
        var options = ConfigurationOptions.Parse(redis);
        var server = options.EndPoints.Single();
        var wire = server is DnsEndPoint name ? new TcpProxy(name.Host, name.Port) : new(((IPEndPoint)server).Address.ToString(), ((IPEndPoint)server).Port);
        options.EndPoints.Clear();
        options.EndPoints.Add("127.0.0.1", wire.Port);
        var replica = await Replica.StartAsync(
            Settings(postgres, options.ToString(includePassword: true)),
            services => services.Replace(ServiceDescriptor.Singleton<ITeamGatewayKeys>(Gateway)).Replace(ServiceDescriptor.Singleton(Time)));
        return (wire, replica);
    }
}

/// <summary>A team made for a test.</summary>
internal sealed record TestTeam(string Id, string OrganizationId, string Key, Guid KeyId);

/// <summary>The classes that share the two replicas; they run one after another, and some cut the wires.</summary>
[CollectionDefinition(Name)]
public sealed class ApiTests : ICollectionFixture<ApiFixture>
{
    public const string Name = "api";
}
