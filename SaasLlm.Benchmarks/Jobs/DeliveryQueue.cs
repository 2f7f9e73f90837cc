using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;
using SaasLlm.Core.Data;
using SaasLlm.Core.Webhooks;
using SaasLlm.Core.Webhooks.Delivery;

namespace SaasLlm.Benchmarks.Jobs;

/// <summary>Messages in the outbox of a database of its own, and the statements that relay, claim and end their deliveries, alone: nothing is sent.</summary>
internal sealed class DeliveryQueue : IAsyncDisposable
{
    private const string Prepare = """
        INSERT INTO organizations (organization_id, name) VALUES ('org_bench', 'Benchmarks');
        INSERT INTO teams (team_id, organization_id, team_alias) SELECT 'team_' || n, 'org_bench', 'team_' || n FROM generate_series(1, $endpoints) AS n;
        INSERT INTO webhook_endpoints (endpoint_id, organization_id, team_id, url, events, secret)
        SELECT gen_random_uuid(), 'org_bench', 'team_' || n, 'http://127.0.0.1', '{job.completed}', '' FROM generate_series(1, $endpoints) AS n
        """;

    private static readonly WebhookAnswer s_taken = new(204, null, TimeSpan.FromMilliseconds(1));

    private readonly NpgsqlDataSource _source;
    private readonly IOptions<WebhookOptions> _options = Options.Create(new WebhookOptions());
    private readonly RelayOutboxPass _relay;
    private readonly DeliveryStore _store;
    private readonly string[] _teams;
    private int _rounds;

    private DeliveryQueue(string postgres, int endpoints)
    {
        _source = NpgsqlDataSource.Create(postgres);
        _teams = [.. Enumerable.Range(1, endpoints).Select(number => $"team_{number}")];
        (_relay, _store) = (new(_source, _options), new(_source, _options, TimeProvider.System));
    }

    public static async Task<DeliveryQueue> CreateAsync(string server, int endpoints, CancellationToken cancellation)
    {
        var postgres = new NpgsqlConnectionStringBuilder(server) { Database = "saasllm_deliveries" }.ConnectionString;
        await new SchemaMigrator(TimeProvider.System, NullLogger<SchemaMigrator>.Instance).MigrateAsync(postgres, TimeSpan.FromMinutes(1), cancellation);
        var queue = new DeliveryQueue(postgres, endpoints);
        await using var command = queue._source.CreateCommand(Prepare.Replace("$endpoints", endpoints.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal));
        await command.ExecuteNonQueryAsync(cancellation);
        return queue;
    }

    /// <summary>Raises so many messages, and then relays, claims and ends them, one group after the other; how long that took.</summary>
    public async Task<TimeSpan> WorkAsync(int messages, CancellationToken cancellation)
    {
        await using (var raise = _source.CreateCommand(OutboxLoad.Raise))
        {
            raise.Parameters.Add(new() { Value = _teams });
            raise.Parameters.Add(new() { Value = messages });
            raise.Parameters.Add(new() { Value = $"raw{_rounds++}" });
            await raise.ExecuteNonQueryAsync(cancellation);
        }

        var began = Stopwatch.GetTimestamp();
        while (await _relay.RunAsync(cancellation))
        {
        }

        for (var done = 0; done < messages;)
        {
            var claimed = (await _store.ClaimAsync(_options.Value.TriesMax, cancellation)).Deliveries;
            if (claimed.Count == 0)
            {
                throw new InvalidOperationException($"Of {messages} deliveries {done} could be claimed.");
            }

            await _store.SaveAsync([.. claimed.Select(delivery => FinishedTry.Of(delivery, s_taken, 0))], cancellation);
            done += claimed.Count;
        }

        return Stopwatch.GetElapsedTime(began);
    }

    public ValueTask DisposeAsync() => _source.DisposeAsync();
}
