using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using SaasLlm.Core.Data;
using SaasLlm.Core.Idempotency;
using SaasLlm.Core.Webhooks;
using SaasLlm.Core.Webhooks.Delivery;
using SaasLlm.Tests.Access;
using SaasLlm.Tests.Infrastructure;
using SaasLlm.Tests.Jobs.Background;

namespace SaasLlm.Tests.Webhooks;

/// <summary>A database of its own with a team in it, somebody's server that listens, and runners that a test drives pass by pass.</summary>
internal sealed class WebhookBench : IAsyncDisposable
{
    private readonly List<IHost> _runners = [];
    private readonly string _postgres;
    private readonly string _redis;
    private int _names;

    private WebhookBench(string postgres, string redis, Receiver receiver)
    {
        (_postgres, _redis, Receiver) = (postgres, redis, receiver);
        Database = NpgsqlDataSource.Create(postgres);
    }

    public NpgsqlDataSource Database { get; }

    public Receiver Receiver { get; }

    public static async Task<WebhookBench> CreateAsync(AppFixture app)
    {
        var stores = await app.StoresAsync();
        var bench = new WebhookBench(await stores.CreateDatabaseAsync(), stores.Redis, await Receiver.StartAsync());
        await bench.ExecuteAsync("INSERT INTO organizations (organization_id, name) VALUES ('org', 'Org')");
        await bench.CreateTeamAsync("team");
        return bench;
    }

    /// <summary>A runner; several are several processes' worth.</summary>
    /// <param name="resolver">Null: names lead to the machine itself.</param>
    public Runner CreateRunner(IHostResolver? resolver = null, params (string Name, string Value)[] settings)
        => CreateRunner(TimeProvider.System, resolver, settings);

    /// <summary>A runner with a clock of its own.</summary>
    public Runner CreateRunner(TimeProvider time, IHostResolver? resolver = null, params (string Name, string Value)[] settings)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["ConnectionStrings:saasllm"] = _postgres,
            ["ConnectionStrings:redis"] = _redis,
            ["Encryption:Key"] = AppFixture.EncryptionKey,
            ["Webhooks:AllowHttp"] = "true",
            ["Webhooks:AllowedNetworks:0"] = "127.0.0.0/8",
        });
        builder.Configuration.AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create("Webhooks:" + setting.Name, (string?)setting.Value)));
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.AddCoreData();
        builder.Services.AddWebhooks().AddWebhookDelivery();
        builder.Services.Replace(ServiceDescriptor.Singleton(time));
        if (resolver is not null)
        {
            builder.Services.Replace(ServiceDescriptor.Singleton(resolver));
        }

        var host = builder.Build();
        _runners.Add(host);
        return new(host.Services);
    }

    /// <summary>A JobRunner of its own, as it is deployed.</summary>
    /// <param name="environment">More of it.</param>
    public RunnerProcess StartProcess(Dictionary<string, string?> environment) => RunnerProcess.Start(new(ApiFixture.Settings(_postgres, _redis).Concat(environment))
    {
        ["Webhooks:AllowedNetworks:0"] = "127.0.0.0/8",
        ["Webhooks:PollInterval"] = "00:00:00.05",
    });

    public Task CreateTeamAsync(string team)
        => ExecuteAsync("INSERT INTO teams (team_id, organization_id, team_alias) VALUES ($1, 'org', $1)", team);

    /// <summary>Messages in the outbox; their ids, oldest first.</summary>
    public async Task<Guid[]> RaiseAsync(string topic = "job.completed", int count = 1, string? team = "team")
    {
        var ids = Enumerable.Range(0, count).Select(_ => Guid.CreateVersion7()).Order().ToArray();
        await ExecuteAsync("""
            INSERT INTO outbox (message_id, organization_id, team_id, topic, dedupe_key, payload, occurred_at)
            SELECT unnest($1), 'org', nullif($2, ''), $3, 'key', '{"number": 1.50, "text": "ü €"}', '2026-01-31 12:00:00.5Z'
            """, ids, team ?? "", topic);
        return ids;
    }

    /// <summary>Postgres' clock stands from now on, and is only shifted: what is due in five seconds is not, however long a test takes.</summary>
    public async Task StopClockAsync()
    {
        await ExecuteAsync("CREATE TABLE standing_clock AS SELECT now() AS time");
        await ExecuteAsync("""
            CREATE OR REPLACE FUNCTION ledger_now() RETURNS timestamptz LANGUAGE sql VOLATILE AS
            $$ SELECT time + coalesce(nullif(current_setting('saasllm.clock_shift', true), ''), '0')::interval FROM standing_clock $$
            """);
    }

    /// <summary>Postgres' clock goes on by this much, for sessions that begin from now on.</summary>
    public async Task ShiftAsync(TimeSpan shift)
    {
        var name = new NpgsqlConnectionStringBuilder(_postgres).Database;
        await ExecuteAsync($"ALTER DATABASE {name} SET saasllm.clock_shift = '{(long)shift.TotalSeconds} seconds'");
        foreach (var runner in _runners)
        {
            runner.Services.GetRequiredService<NpgsqlDataSource>().Clear();
        }

        Database.Clear();
        await using var connection = new NpgsqlConnection(_postgres);
        NpgsqlConnection.ClearPool(connection);
    }

    public async Task ExecuteAsync(string sql, params object[] values)
    {
        await using var command = Command(sql, values);
        await command.ExecuteNonQueryAsync();
    }

    public async Task<T> ScalarAsync<T>(string sql, params object[] values)
    {
        await using var command = Command(sql, values);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>The first column of each row, as text.</summary>
    public async Task<string[]> TextsAsync(string sql, params object[] values)
    {
        await using var command = Command(sql, values);
        await using var rows = await command.ExecuteReaderAsync();
        List<string> found = [];
        while (await rows.ReadAsync())
        {
            found.Add(rows.GetString(0));
        }

        return [.. found];
    }

    /// <summary>For example <c>delivered 1 200 -</c>: state, tries, status and error of an endpoint's deliveries, oldest first.</summary>
    public Task<string[]> DeliveriesAsync(IssuedWebhook endpoint) => TextsAsync("""
        SELECT concat_ws(' ', state, tries, coalesce(http_status::text, '-'), coalesce(error, '-'))
          FROM webhook_deliveries WHERE endpoint_id = $1 ORDER BY message_id
        """, endpoint.Endpoint.EndpointId);

    public string NextName() => $"name{Interlocked.Increment(ref _names)}";

    public async ValueTask DisposeAsync()
    {
        await Receiver.DisposeAsync();
        foreach (var runner in _runners)
        {
            runner.Dispose();
        }

        await Database.DisposeAsync();
    }

    private NpgsqlCommand Command(string sql, object[] values)
    {
        var command = Database.CreateCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.Add(new() { Value = value });
        }

        return command;
    }
}

/// <summary>A job runner's webhooks, without its loops.</summary>
internal sealed class Runner(IServiceProvider services)
{
    public WebhookService Webhooks => services.GetRequiredService<WebhookService>();

    public DeliveryLog Log => services.GetRequiredService<DeliveryLog>();

    public DeliveryPump Pump => services.GetRequiredService<DeliveryPump>();

    public DeliveryStore Store => services.GetRequiredService<DeliveryStore>();

    public WebhookSender Sender => services.GetRequiredService<WebhookSender>();

    /// <summary>An endpoint of the team, or where that is null of the organization.</summary>
    public async Task<IssuedWebhook> RegisterAsync(string url, string? team = "team", params string[] events)
    {
        var made = await Webhooks.RegisterAsync(new("org", team, url, events), IdempotentWork.Once(TimeProvider.System), CancellationToken.None);
        Assert.Null(made.Failure);
        return made.Value;
    }

    public async Task RelayAsync()
    {
        while (await services.GetRequiredService<RelayOutboxPass>().RunAsync(CancellationToken.None))
        {
        }
    }

    /// <summary>Passes until nothing is due; the number of tries.</summary>
    public async Task<int> DeliverAsync()
    {
        var tries = 0;
        while (await Pump.RunPassAsync(CancellationToken.None) is var begun and > 0)
        {
            tries += begun;
            await Pump.IdleAsync();
        }

        return tries;
    }

    public async Task<int> RelayAndDeliverAsync()
    {
        await RelayAsync();
        return await DeliverAsync();
    }
}
