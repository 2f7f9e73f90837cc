using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Npgsql;
using SaasLlm.Benchmarks.Crash.Runners;
using SaasLlm.Benchmarks.Stack;

namespace SaasLlm.Benchmarks.Jobs;

/// <summary>Messages in the outbox, each for the one endpoint of its team, delivered by the job runner to a receiver that answers at once.</summary>
internal sealed class OutboxLoad : IAsyncDisposable
{
    // Ids by the clock, as the ledger's.
    public const string Raise = """
        INSERT INTO outbox (message_id, team_id, topic, dedupe_key, payload, occurred_at)
        SELECT (lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(n & 4095), 3, '0') || '8' || substr(md5(n || $3), 1, 15))::uuid,
               $1[1 + n % cardinality($1)], 'job.completed', 'bench:' || $3 || ':' || n,
               jsonb_build_object('job_id', gen_random_uuid(), 'status', 'completed', 'credits_charged', 1, 'credits_remaining', 99999), ledger_now()
          FROM generate_series(1, $2) AS n
        """;

    private static readonly string[] s_events = ["job.completed"];

    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(5);

    private readonly NpgsqlDataSource _source;
    private readonly WebApplication _receiver = LoopbackServer.Create();
    private readonly string[] _teams;
    private long _received;
    private long _raised;

    private OutboxLoad(BenchmarkStack stack, string[] teams) => (_source, _teams) = (NpgsqlDataSource.Create(stack.Postgres), teams);

    /// <summary>Deliveries that came more than once.</summary>
    public long Repeated => Interlocked.Read(ref _received) - _raised;

    /// <param name="teams">Each gets an endpoint.</param>
    public static async Task<OutboxLoad> CreateAsync(BenchmarkStack stack, string[] teams, CancellationToken cancellation)
    {
        var load = new OutboxLoad(stack, teams);
        load._receiver.Run(http =>
        {
            Interlocked.Increment(ref load._received);
            http.Response.StatusCode = 204;
            return Task.CompletedTask;
        });
        await load._receiver.StartAsync(cancellation);
        using var http = new HttpClient { BaseAddress = stack.Api };
        http.DefaultRequestHeaders.Add("X-Admin-Key", BenchmarkStack.AdminKey);
        foreach (var team in teams)
        {
            using var answer = await http.PostAsJsonAsync(
                "/api/webhooks/register",
                new { team_id = team, url = new Uri(LoopbackServer.AddressOf(load._receiver), team), events = s_events }, cancellation);
            answer.EnsureSuccessStatusCode();
        }

        return load;
    }

    /// <summary>From the commit that raises them until each is written down as delivered.</summary>
    public async Task<TimeSpan> RunAsync(int messages, CancellationToken cancellation)
    {
        await using (var raise = _source.CreateCommand(Raise))
        {
            raise.Parameters.Add(new() { Value = _teams });
            raise.Parameters.Add(new() { Value = messages });
            raise.Parameters.Add(new() { Value = JsonSerializer.Serialize(_raised) });
            raise.CommandTimeout = 0;
            await raise.ExecuteNonQueryAsync(cancellation);
        }

        _raised += messages;
        var began = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(began) is var waited && waited < s_patience)
        {
            await using var command = _source.CreateCommand("""
                SELECT NOT EXISTS (SELECT 1 FROM outbox WHERE relayed_at IS NULL) AND NOT EXISTS (SELECT 1 FROM webhook_deliveries WHERE state = 'pending')
                """);
            if (Interlocked.Read(ref _received) >= _raised && (bool)(await command.ExecuteScalarAsync(cancellation))!)
            {
                return waited;
            }

            await Task.Delay(s_poll, cancellation);
        }

        throw new InvalidOperationException($"Webhooks were not delivered within {s_patience.TotalMinutes} minutes: {_received} of {_raised}.");
    }

    public async ValueTask DisposeAsync()
    {
        await _receiver.DisposeAsync();
        await _source.DisposeAsync();
    }
}
