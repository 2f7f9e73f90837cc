using Npgsql;
using SaasLlm.Core.Webhooks.Delivery;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.Webhooks;

/// <summary>Several runners on one database, some of them killed.</summary>
public sealed class RunnerTests(AppFixture app) : IAsyncLifetime
{
    private WebhookBench _bench = null!;

    public async ValueTask InitializeAsync() => _bench = await WebhookBench.CreateAsync(app);

    public ValueTask DisposeAsync() => _bench.DisposeAsync();

    [Fact]
    public async Task Runners_side_by_side_send_each_event_to_each_endpoint_once()
    {
        var runners = Enumerable.Range(0, 3).Select(_ => _bench.CreateRunner(settings: [("RelayBatchSize", "7"), ("TriesMax", "10")])).ToArray();
        var endpoints = await Task.WhenAll(Enumerable.Range(0, 5).Select(number => runners[0].RegisterAsync($"{_bench.Receiver.Url}/{number}")));
        var messages = await _bench.RaiseAsync(count: 120);

        // All relay and deliver until nothing is left; whoever finds nothing looks again.
        await Task.WhenAll(runners.Select(async runner =>
        {
            await Infrastructure.Eventually.IsSoAsync(
                async () =>
                {
                    await runner.RelayAndDeliverAsync();
                    return await _bench.ScalarAsync<long>(
                        "SELECT (SELECT count(*) FROM outbox WHERE relayed_at IS NULL) + (SELECT count(*) FROM webhook_deliveries WHERE state = 'pending')") == 0;
                },
                () => "It does not end");
        }));

        foreach (var (endpoint, number) in endpoints.Select((endpoint, number) => (endpoint, number)))
        {
            Assert.Equal(messages, _bench.Receiver.At($"/{number}").Select(received => received.Id).Order());
            Assert.Equal(Enumerable.Repeat("delivered 1 200 -", 120), await _bench.DeliveriesAsync(endpoint));
        }
    }

    [Fact]
    public async Task A_runner_that_dies_between_sending_and_writing_it_down_sends_again_with_the_same_id()
    {
        var (killed, other) = (_bench.CreateRunner(), _bench.CreateRunner());
        var endpoint = await killed.RegisterAsync(_bench.Receiver.Url + "/hook");
        var message = (await _bench.RaiseAsync())[0];
        await killed.RelayAsync();
        var delivery = Assert.Single((await killed.Store.ClaimAsync(10, default)).Deliveries);
        Assert.True((await killed.Sender.SendAsync(delivery, default)).IsDelivered);

        Assert.Equal(0, await other.DeliverAsync());
        await _bench.ShiftAsync(TimeSpan.FromSeconds(61));
        Assert.Equal(1, await other.DeliverAsync());

        Assert.Equal([message, message], _bench.Receiver.Heard.Select(received => received.Id));
        Assert.Equal(["delivered 1 200 -"], await _bench.DeliveriesAsync(endpoint));
    }

    // Its lease is over, another one has it: what it found is not written any more.
    [Fact]
    public async Task What_a_runner_finds_after_its_lease_is_not_written()
    {
        var (late, other) = (_bench.CreateRunner(), _bench.CreateRunner());
        var endpoint = await late.RegisterAsync(_bench.Receiver.Url + "/hook");
        await _bench.RaiseAsync();
        await late.RelayAsync();
        var delivery = Assert.Single((await late.Store.ClaimAsync(10, default)).Deliveries);
        await _bench.ShiftAsync(TimeSpan.FromSeconds(61));
        var again = Assert.Single((await other.Store.ClaimAsync(10, default)).Deliveries);

        Assert.Empty(await late.Store.SaveAsync([FinishedTry.Of(delivery, new(410, WebhookError.Status, TimeSpan.FromSeconds(1)), 0)], default));

        Assert.Equal(["pending 0 - -"], await _bench.DeliveriesAsync(endpoint));
        Assert.Equal("active", await _bench.ScalarAsync<string>("SELECT status FROM webhook_endpoints"));
        Assert.Empty(await other.Store.SaveAsync([FinishedTry.Of(again, new(200, null, TimeSpan.FromSeconds(1)), 0)], default));
        Assert.Equal(["delivered 1 200 -"], await _bench.DeliveriesAsync(endpoint));
        Assert.Equal(1L, await _bench.ScalarAsync<long>("SELECT count(*) FROM webhook_attempts"));
    }

    // Its owner has healed it while the try was under way.
    [Fact]
    public async Task What_an_old_url_said_is_not_held_against_the_new_one()
    {
        await _bench.StopClockAsync();
        var runner = _bench.CreateRunner();
        var endpoint = await runner.RegisterAsync(_bench.Receiver.Url + "/old");
        await _bench.RaiseAsync(count: 2);
        await runner.RelayAsync();
        var tries = (await runner.Store.ClaimAsync(10, default)).Deliveries;
        await runner.Store.SaveAsync([FinishedTry.Of(tries[0], new(500, WebhookError.Status, TimeSpan.Zero), 0)], default);
        Assert.Equal("active true", await JudgedAsync());
        await runner.Webhooks.UpdateAsync(endpoint.Endpoint.EndpointId, "team", null, null, "Described", default);
        Assert.Equal("active true", await JudgedAsync());

        await runner.Webhooks.UpdateAsync(endpoint.Endpoint.EndpointId, "team", _bench.Receiver.Url + "/new", null, null, default);
        Assert.Equal("active false", await JudgedAsync());
        Assert.Empty(await runner.Store.SaveAsync([FinishedTry.Of(tries[1], new(410, WebhookError.Status, TimeSpan.Zero), 0)], default));
        Assert.Equal("active false", await JudgedAsync());
        // And the new one is told what the old one gave up.
        await runner.DeliverAsync();
        Assert.Equal(tries[1].MessageId, Assert.Single(_bench.Receiver.At("/new")).Id);
        // By its first try of all that it has.
        Assert.Equal(["delivered 1 200 -", "pending 1 500 http_status"], (await _bench.DeliveriesAsync(endpoint)).Order(StringComparer.Ordinal));

        Task<string> JudgedAsync() => _bench.ScalarAsync<string>(
            "SELECT concat_ws(' ', status, (failing_since IS NOT NULL AND last_failed_at IS NOT NULL)::text) FROM webhook_endpoints");
    }

    [Fact]
    public async Task An_endpoint_has_no_more_tries_under_way_than_it_may_whoever_sends_them()
    {
        var runners = Enumerable.Range(0, 3).Select(_ => _bench.CreateRunner(settings: ("EndpointTriesMax", "3"))).ToArray();
        await runners[0].RegisterAsync(_bench.Receiver.Url + "/one");
        await runners[0].RegisterAsync(_bench.Receiver.Url + "/two");
        await _bench.RaiseAsync(count: 20);
        await runners[0].RelayAsync();

        var claims = await Task.WhenAll(runners.Select(runner => runner.Store.ClaimAsync(100, default)));

        Assert.Equal([3, 3], claims.SelectMany(claim => claim.Deliveries).GroupBy(delivery => delivery.EndpointId).Select(endpoint => endpoint.Count()));
        Assert.Empty((await runners[0].Store.ClaimAsync(100, default)).Deliveries);
        // One that ends makes room for one.
        var ended = claims.SelectMany(claim => claim.Deliveries).First();
        await runners[1].Store.SaveAsync([FinishedTry.Of(ended, new(200, null, TimeSpan.Zero), 0)], default);
        Assert.Equal(ended.EndpointId, Assert.Single((await runners[2].Store.ClaimAsync(100, default)).Deliveries).EndpointId);
    }

    [Fact]
    public async Task Those_that_are_due_longest_go_first()
    {
        var runner = _bench.CreateRunner();
        await runner.RegisterAsync(_bench.Receiver.Url + "/hook");
        var messages = await _bench.RaiseAsync(count: 6);
        await runner.RelayAsync();
        await _bench.ExecuteAsync("UPDATE webhook_deliveries SET due_at = due_at - interval '1 hour' WHERE message_id = $1", messages[5]);

        var first = (await runner.Store.ClaimAsync(1, default)).Deliveries;

        Assert.Equal(messages[5], Assert.Single(first).MessageId);
    }

    // A slot that is free goes to the endpoint that waits longest, not to the one with the most.
    [Fact]
    public async Task An_endpoint_with_little_does_not_wait_for_one_with_much()
    {
        await _bench.CreateTeamAsync("small");
        var runner = _bench.CreateRunner(settings: ("TriesMax", "4"));
        await runner.RegisterAsync(_bench.Receiver.Url + "/large");
        await runner.RegisterAsync(_bench.Receiver.Url + "/small", "small");
        await _bench.RaiseAsync(count: 400);
        await runner.RelayAsync();
        await _bench.RaiseAsync(count: 1, team: "small");
        await runner.RelayAsync();

        for (var pass = 0; pass < 3; pass++)
        {
            await runner.Pump.RunPassAsync(default);
            await runner.Pump.IdleAsync();
        }

        Assert.Single(_bench.Receiver.At("/small"));
    }

    [Theory]
    [InlineData(nameof(WebhookSql.Relay), "int, text[]", "500, '{}'")]
    [InlineData(nameof(WebhookSql.Claim), "uuid[], int, uuid, interval", "'{}', 4, '00000000-0000-0000-0000-000000000000', '1 minute'")]
    [InlineData(nameof(WebhookSql.SetReady), "uuid[], int", "'{}', 4")]
    [InlineData(nameof(WebhookSql.SaveTries), "uuid[], uuid[], uuid[], text[], interval[], int[], text[], int[], text[], text[]", "'{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}'")]
    [InlineData(nameof(WebhookSql.JudgeEndpoints), "uuid[], text[], bool[], bool[], interval, interval", "'{}', '{}', '{}', '{}', '5 days', '36 hours'")]
    public async Task On_empty_tables_the_plans_use_the_indexes(string name, string types, string values)
    {
        var sql = (string)typeof(WebhookSql).GetField(name)!.GetRawConstantValue()!;
        await using var connection = await _bench.Database.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await new NpgsqlCommand(WebhookSql.Settings, connection).ExecuteNonQueryAsync();
        await new NpgsqlCommand($"PREPARE statement ({types}) AS {sql}", connection).ExecuteNonQueryAsync();
        await using var rows = await new NpgsqlCommand($"EXPLAIN EXECUTE statement ({values})", connection).ExecuteReaderAsync();
        List<string> plan = [];
        while (await rows.ReadAsync())
        {
            plan.Add(rows.GetString(0));
        }

        Assert.Contains(plan, line => line.Contains("Index", StringComparison.Ordinal));
        Assert.DoesNotContain(plan, line => line.Contains("Seq Scan", StringComparison.Ordinal) || line.Contains("Hash Join", StringComparison.Ordinal)
                                            || line.Contains("Merge Join", StringComparison.Ordinal));
    }
}
