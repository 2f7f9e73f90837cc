using SaasLlm.Core.Webhooks;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.Webhooks;

/// <summary>From the outbox to a receiver.</summary>
public sealed class DeliveryTests(AppFixture app) : IAsyncLifetime
{
    private WebhookBench _bench = null!;
    private Runner _runner = null!;

    public async ValueTask InitializeAsync()
    {
        _bench = await WebhookBench.CreateAsync(app);
        _runner = _bench.CreateRunner(settings: ("Timeout", "00:00:45"));
    }

    public ValueTask DisposeAsync() => _bench.DisposeAsync();

    [Fact]
    public async Task An_event_arrives_signed_with_its_own_id_and_words()
    {
        var endpoint = await _runner.RegisterAsync(_bench.Receiver.Url + "/hook");
        var message = (await _bench.RaiseAsync())[0];

        Assert.Equal(1, await _runner.RelayAndDeliverAsync());

        var received = Assert.Single(_bench.Receiver.Heard);
        Assert.Equal(("POST", "/hook", message, "application/json", "SaasLlm-Webhooks/1"),
            (received.Method, received.Path, received.Id, received.Headers["Content-Type"], received.Headers["User-Agent"]));
        Assert.Equal("""{"type":"job.completed","timestamp":"2026-01-31T12:00:00.500000Z","data":{"text": "ü €", "number": 1.50}}""", received.Body);
        Assert.Equal(received.SignatureBy(endpoint.Secret), received.Headers["webhook-signature"]);
        var sent = DateTimeOffset.FromUnixTimeSeconds(long.Parse(received.Headers["webhook-timestamp"], System.Globalization.CultureInfo.InvariantCulture));
        Assert.InRange(DateTimeOffset.UtcNow - sent, TimeSpan.Zero, TimeSpan.FromMinutes(5));
        Assert.DoesNotContain("traceparent", received.Headers.Keys, StringComparer.OrdinalIgnoreCase);
        Assert.Equal(["delivered 1 200 -"], await _bench.DeliveriesAsync(endpoint));
        Assert.Equal(0, await _runner.RelayAndDeliverAsync());
        // Nobody looks at it again before something is due.
        Assert.Equal(0L, await _bench.ScalarAsync<long>("SELECT count(*) FROM webhook_endpoints WHERE ready_at IS NOT NULL"));
    }

    [Fact]
    public async Task Each_endpoint_hears_of_what_it_asked_for()
    {
        await _bench.CreateTeamAsync("other");
        Dictionary<string, IssuedWebhook> endpoints = new()
        {
            ["all"] = await _runner.RegisterAsync(_bench.Receiver.Url + "/all"),
            ["completed"] = await _runner.RegisterAsync(_bench.Receiver.Url + "/completed", "team", "job.completed", "credits.low"),
            ["job"] = await _runner.RegisterAsync(_bench.Receiver.Url + "/job", "team", "job.*"),
            ["other"] = await _runner.RegisterAsync(_bench.Receiver.Url + "/other", "other"),
            ["organization"] = await _runner.RegisterAsync(_bench.Receiver.Url + "/organization", null, "job.completed", "team.suspended"),
        };
        foreach (var topic in new[] { "job.created", "job.completed", "credits.low", "team.suspended" })
        {
            await _bench.RaiseAsync(topic);
        }

        await _bench.RaiseAsync("job.completed", team: "other");
        await _bench.RaiseAsync("team.suspended", team: null);

        await _runner.RelayAndDeliverAsync();

        Assert.Equal(
            [
                "all: credits.low job.completed team.suspended", "completed: credits.low job.completed", "job: job.completed job.created",
                "organization: job.completed job.completed team.suspended team.suspended", "other: job.completed",
            ],
            endpoints.Keys.Order(StringComparer.Ordinal).Select(name => $"{name}: {string.Join(' ', _bench.Receiver.At("/" + name).Select(received => received.Type).Order(StringComparer.Ordinal))}"));
        Assert.Equal(0L, await _bench.ScalarAsync<long>("SELECT count(*) FROM outbox WHERE relayed_at IS NULL"));
    }

    [Fact]
    public async Task A_paused_endpoint_gets_its_events_when_it_is_resumed()
    {
        var endpoint = await _runner.RegisterAsync(_bench.Receiver.Url + "/hook");
        var id = endpoint.Endpoint.EndpointId;
        await _runner.Webhooks.SetStatusAsync(id, "team", WebhookStatus.Paused, default);
        await _bench.RaiseAsync(count: 3);
        Assert.Equal(0, await _runner.RelayAndDeliverAsync());
        Assert.Equal(["pending 0 - -", "pending 0 - -", "pending 0 - -"], await _bench.DeliveriesAsync(endpoint));

        await _runner.Webhooks.SetStatusAsync(id, "team", WebhookStatus.Active, default);

        Assert.Equal(3, await _runner.RelayAndDeliverAsync());
    }

    [Fact]
    public async Task After_a_rotation_both_secrets_sign_until_the_overlap_is_over()
    {
        var old = await _runner.RegisterAsync(_bench.Receiver.Url + "/hook");
        var rotated = (await _runner.Webhooks.RotateSecretAsync(
            old.Endpoint.EndpointId, "team", TimeSpan.FromHours(1), Core.Idempotency.IdempotentWork.Once(TimeProvider.System), default)).Value;
        await _bench.RaiseAsync();
        await _runner.RelayAndDeliverAsync();
        await _bench.ShiftAsync(TimeSpan.FromMinutes(61));
        await _bench.RaiseAsync();
        await _runner.RelayAndDeliverAsync();

        var heard = _bench.Receiver.Heard.ToArray();
        Assert.Equal($"{heard[0].SignatureBy(rotated.Secret)} {heard[0].SignatureBy(old.Secret)}", heard[0].Headers["webhook-signature"]);
        Assert.Equal(heard[1].SignatureBy(rotated.Secret), heard[1].Headers["webhook-signature"]);
    }

    [Fact]
    public async Task What_is_replayed_is_sent_again_with_its_own_id_and_body()
    {
        var endpoint = await _runner.RegisterAsync(_bench.Receiver.Url + "/hook");
        var messages = await _bench.RaiseAsync(count: 3);
        await _runner.RelayAndDeliverAsync();

        await _runner.Log.ReplayAsync(endpoint.Endpoint.EndpointId, "team", messages[1], Core.Idempotency.IdempotentWork.Once(TimeProvider.System), default);

        Assert.Equal(1, await _runner.DeliverAsync());
        Assert.Equal([.. messages, messages[1]], [.. _bench.Receiver.Heard.Take(3).Select(received => received.Id).Order(), _bench.Receiver.Heard.Last().Id]);
        Assert.Single(_bench.Receiver.Heard.Where(received => received.Id == messages[1]).Select(received => received.Body).Distinct());
        Assert.Equal(["1", "2"], await _bench.TextsAsync("SELECT attempt_number::text FROM webhook_attempts WHERE message_id = $1 ORDER BY 1", messages[1]));
    }

    [Fact]
    public async Task A_test_event_goes_the_way_of_all_others()
    {
        var endpoint = await _runner.RegisterAsync(_bench.Receiver.Url + "/hook", "team", "credits.low");

        var sent = await _runner.Log.SendTestAsync(endpoint.Endpoint.EndpointId, "team", Core.Idempotency.IdempotentWork.Once(TimeProvider.System), default);

        Assert.Equal(1, await _runner.DeliverAsync());
        var received = Assert.Single(_bench.Receiver.Heard);
        Assert.Equal((sent.Value, "webhook.test", endpoint.Endpoint.EndpointId.ToString()), (received.Id, received.Type, received.Data("webhook_id")));
        Assert.Equal(received.SignatureBy(endpoint.Secret), received.Headers["webhook-signature"]);
    }
}
