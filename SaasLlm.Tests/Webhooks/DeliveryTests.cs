using Microsoft.AspNetCore.Http;
using SaasLlm.Core.Webhooks;

namespace SaasLlm.Tests.Webhooks;

/// <summary>From the outbox to a receiver.</summary>
public sealed class DeliveryTests(WebhookStores stores) : IClassFixture<WebhookStores>, IAsyncLifetime
{
    private WebhookBench _bench = null!;
    private Receiver _receiver = null!;
    private Runner _runner = null!;

    public async ValueTask InitializeAsync()
    {
        (_bench, _receiver) = (await WebhookBench.CreateAsync(stores), await Receiver.StartAsync());
        _runner = _bench.CreateRunner(settings: ("Timeout", "00:00:02"));
    }

    public async ValueTask DisposeAsync()
    {
        await _receiver.DisposeAsync();
        await _bench.DisposeAsync();
    }

    [Fact]
    public async Task An_event_arrives_signed_with_its_own_id_and_words()
    {
        var endpoint = await _runner.RegisterAsync(_receiver.Url + "/hook");
        var message = (await _bench.RaiseAsync())[0];

        Assert.Equal(1, await _runner.RelayAndDeliverAsync());

        var received = Assert.Single(_receiver.Heard);
        Assert.Equal(("POST", "/hook", message, "application/json", "SaasLlm-Webhooks/1"),
            (received.Method, received.Path, received.Id, received.Headers["Content-Type"], received.Headers["User-Agent"]));
        Assert.Equal("""{"type":"job.completed","timestamp":"2026-01-31T12:00:00.500000Z","data":{"text": "ü €", "number": 1.50}}""", received.Body);
        Assert.Equal(received.SignatureBy(endpoint.Secret), received.Headers["webhook-signature"]);
        var sent = DateTimeOffset.FromUnixTimeSeconds(long.Parse(received.Headers["webhook-timestamp"], System.Globalization.CultureInfo.InvariantCulture));
        Assert.InRange(DateTimeOffset.UtcNow - sent, TimeSpan.Zero, TimeSpan.FromMinutes(1));
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
            ["all"] = await _runner.RegisterAsync(_receiver.Url + "/all"),
            ["completed"] = await _runner.RegisterAsync(_receiver.Url + "/completed", "team", "job.completed", "credits.low"),
            ["job"] = await _runner.RegisterAsync(_receiver.Url + "/job", "team", "job.*"),
            ["other"] = await _runner.RegisterAsync(_receiver.Url + "/other", "other"),
            ["organization"] = await _runner.RegisterAsync(_receiver.Url + "/organization", null, "job.completed", "team.suspended"),
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
            endpoints.Keys.Order(StringComparer.Ordinal).Select(name => $"{name}: {string.Join(' ', _receiver.At("/" + name).Select(TypeOf).Order(StringComparer.Ordinal))}"));
        Assert.Equal(0L, await _bench.ScalarAsync<long>("SELECT count(*) FROM outbox WHERE relayed_at IS NULL"));
    }

    [Theory]
    [InlineData(500, "http_status")]
    [InlineData(400, "http_status")]
    [InlineData(301, "redirect")]
    [InlineData(307, "redirect")]
    public async Task Any_status_but_2xx_is_a_failure_and_tried_again(int status, string error)
    {
        var endpoint = await _runner.RegisterAsync(_receiver.Url + "/hook");
        _receiver.Answers["/hook"] = context =>
        {
            context.Response.StatusCode = status;
            context.Response.Headers.Location = _receiver.Url + "/elsewhere";
            return context.Response.WriteAsync("no\0 thanks");
        };
        var message = (await _bench.RaiseAsync())[0];

        Assert.Equal(1, await _runner.RelayAndDeliverAsync());

        Assert.Equal([$"pending 1 {status} {error}"], await _bench.DeliveriesAsync(endpoint));
        Assert.Equal($"{status} {error} no  thanks", await _bench.ScalarAsync<string>("SELECT concat_ws(' ', http_status, error, response_excerpt) FROM webhook_attempts"));
        Assert.Empty(_receiver.At("/elsewhere"));

        Assert.Equal(1L, await _bench.ScalarAsync<long>("SELECT count(*) FROM webhook_endpoints e JOIN webhook_deliveries d ON d.due_at = e.ready_at"));
        _receiver.Answers.Clear();
        await _bench.ShiftAsync(TimeSpan.FromSeconds(10));
        Assert.Equal(1, await _runner.RelayAndDeliverAsync());
        Assert.Equal(["delivered 2 200 -"], await _bench.DeliveriesAsync(endpoint));
        Assert.All(_receiver.Heard, received => Assert.Equal(message, received.Id));
        Assert.Single(_receiver.Heard.Select(received => received.Body).Distinct());
    }

    [Fact]
    public async Task Without_an_answer_a_delivery_dies_after_its_last_try()
    {
        var endpoint = await _runner.RegisterAsync("http://127.0.0.1:1/");
        await _bench.RaiseAsync();
        await _runner.RelayAsync();

        for (var day = 0; day < 12; day++)
        {
            await _runner.DeliverAsync();
            await _bench.ShiftAsync(TimeSpan.FromHours(27 * (day + 1)));
            // Days of failure would switch it off.
            await _bench.ExecuteAsync("UPDATE webhook_endpoints SET failing_since = ledger_now()");
        }

        Assert.Equal(["dead 10 - connection_failed"], await _bench.DeliveriesAsync(endpoint));
        Assert.Equal(10L, await _bench.ScalarAsync<long>("SELECT count(*) FROM webhook_attempts WHERE error = 'connection_failed'"));
    }

    [Fact]
    public async Task A_receiver_that_asks_for_time_gets_it()
    {
        var endpoint = await _runner.RegisterAsync(_receiver.Url + "/hook");
        _receiver.Answers["/hook"] = context =>
        {
            (context.Response.StatusCode, context.Response.Headers.RetryAfter) = (429, "3600");
            return Task.CompletedTask;
        };
        await _bench.RaiseAsync();
        await _runner.RelayAndDeliverAsync();

        await _bench.ShiftAsync(TimeSpan.FromMinutes(55));
        Assert.Equal(0, await _runner.DeliverAsync());
        await _bench.ShiftAsync(TimeSpan.FromMinutes(61));
        Assert.Equal(1, await _runner.DeliverAsync());
        Assert.Equal(["pending 2 429 http_status"], await _bench.DeliveriesAsync(endpoint));
    }

    [Fact]
    public async Task A_receiver_that_is_gone_is_not_asked_again_and_its_organization_hears_of_it()
    {
        var endpoint = await _runner.RegisterAsync(_receiver.Url + "/gone");
        await _runner.RegisterAsync(_receiver.Url + "/others", null, "webhook.disabled");
        _receiver.Answers["/gone"] = context =>
        {
            context.Response.StatusCode = 410;
            return Task.CompletedTask;
        };
        await _bench.RaiseAsync();
        await _runner.RelayAndDeliverAsync();

        await _bench.RaiseAsync();
        await _runner.RelayAndDeliverAsync();

        Assert.Single(_receiver.At("/gone"));
        // The last is the event of its own end.
        Assert.Equal(["dead 1 410 http_status", "dropped 0 - -", "dropped 0 - -"], await _bench.DeliveriesAsync(endpoint));
        Assert.Equal("disabled gone", await _bench.ScalarAsync<string>(
            "SELECT status || ' ' || status_reason FROM webhook_endpoints WHERE endpoint_id = $1", endpoint.Endpoint.EndpointId));
        var told = Assert.Single(_receiver.At("/others"));
        Assert.Equal(("webhook.disabled", endpoint.Endpoint.EndpointId.ToString(), "gone"),
            (TypeOf(told), DataOf(told, "webhook_id"), DataOf(told, "reason")));
    }

    [Fact]
    public async Task What_fails_for_days_is_switched_off_and_one_success_forgives_all()
    {
        var endpoint = await _runner.RegisterAsync(_receiver.Url + "/hook");
        var isUp = false;
        _receiver.Answers["/hook"] = context =>
        {
            context.Response.StatusCode = isUp ? 200 : 503;
            return Task.CompletedTask;
        };
        await TryAtAsync(TimeSpan.Zero);
        Assert.Equal("active failing", await StatusAsync());
        isUp = true;
        await TryAtAsync(TimeSpan.FromDays(4));
        Assert.Equal("active", await StatusAsync());
        isUp = false;
        for (var day = 6.0; day < 11; day += 0.98)
        {
            await TryAtAsync(TimeSpan.FromDays(day));
        }

        Assert.Equal("active failing", await StatusAsync());
        await TryAtAsync(TimeSpan.FromDays(11.1));
        Assert.Equal("disabled failing", await StatusAsync());

        isUp = true;
        (await _runner.Webhooks.SetStatusAsync(endpoint.Endpoint.EndpointId, "team", WebhookStatus.Active, default)).TryGet(out _, out var failure);
        Assert.Null(failure);
        Assert.InRange(await _runner.DeliverAsync(), 1, 10);
        Assert.Equal("active", await StatusAsync());

        async Task TryAtAsync(TimeSpan time)
        {
            await _bench.ShiftAsync(time);
            await _bench.RaiseAsync();
            await _runner.RelayAndDeliverAsync();
        }

        Task<string> StatusAsync() => _bench.ScalarAsync<string>(
            "SELECT status || CASE WHEN failing_since IS NULL THEN '' ELSE ' failing' END FROM webhook_endpoints");
    }

    // What died a month ago says nothing of today.
    [Fact]
    public async Task A_quiet_endpoint_is_not_switched_off_for_a_new_failure()
    {
        await _runner.RegisterAsync(_receiver.Url + "/hook");
        _receiver.Answers["/hook"] = context =>
        {
            context.Response.StatusCode = 500;
            return Task.CompletedTask;
        };
        await _bench.RaiseAsync();
        await _runner.RelayAndDeliverAsync();
        await _bench.ExecuteAsync("UPDATE webhook_deliveries SET state = 'dead', ended_at = now()");

        await _bench.ShiftAsync(TimeSpan.FromDays(30));
        await _bench.RaiseAsync();
        await _runner.RelayAndDeliverAsync();
        await _bench.ShiftAsync(TimeSpan.FromDays(30) + TimeSpan.FromSeconds(10));
        await _runner.DeliverAsync();

        Assert.Equal("active 3", await _bench.ScalarAsync<string>(
            "SELECT concat_ws(' ', status, (SELECT count(*) FROM webhook_attempts)) FROM webhook_endpoints WHERE failing_since > ledger_now() - interval '1 day'"));
    }

    [Fact]
    public async Task A_paused_endpoint_gets_its_events_when_it_is_resumed()
    {
        var endpoint = await _runner.RegisterAsync(_receiver.Url + "/hook");
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
        var old = await _runner.RegisterAsync(_receiver.Url + "/hook");
        var rotated = (await _runner.Webhooks.RotateSecretAsync(
            old.Endpoint.EndpointId, "team", TimeSpan.FromHours(1), Core.Idempotency.IdempotentWork.Once(TimeProvider.System), default)).Value;
        await _bench.RaiseAsync();
        await _runner.RelayAndDeliverAsync();
        await _bench.ShiftAsync(TimeSpan.FromMinutes(61));
        await _bench.RaiseAsync();
        await _runner.RelayAndDeliverAsync();

        var heard = _receiver.Heard.ToArray();
        Assert.Equal($"{heard[0].SignatureBy(rotated.Secret)} {heard[0].SignatureBy(old.Secret)}", heard[0].Headers["webhook-signature"]);
        Assert.Equal(heard[1].SignatureBy(rotated.Secret), heard[1].Headers["webhook-signature"]);
    }

    [Fact]
    public async Task What_is_replayed_is_sent_again_with_its_own_id_and_body()
    {
        var endpoint = await _runner.RegisterAsync(_receiver.Url + "/hook");
        var messages = await _bench.RaiseAsync(count: 3);
        await _runner.RelayAndDeliverAsync();

        await _runner.Log.ReplayAsync(endpoint.Endpoint.EndpointId, "team", messages[1], Core.Idempotency.IdempotentWork.Once(TimeProvider.System), default);

        Assert.Equal(1, await _runner.DeliverAsync());
        Assert.Equal([.. messages, messages[1]], [.. _receiver.Heard.Take(3).Select(received => received.Id).Order(), _receiver.Heard.Last().Id]);
        Assert.Single(_receiver.Heard.Where(received => received.Id == messages[1]).Select(received => received.Body).Distinct());
        Assert.Equal(["1", "2"], await _bench.TextsAsync("SELECT attempt_number::text FROM webhook_attempts WHERE message_id = $1 ORDER BY 1", messages[1]));
    }

    [Fact]
    public async Task A_test_event_goes_the_way_of_all_others()
    {
        var endpoint = await _runner.RegisterAsync(_receiver.Url + "/hook", "team", "credits.low");

        var sent = await _runner.Log.SendTestAsync(endpoint.Endpoint.EndpointId, "team", Core.Idempotency.IdempotentWork.Once(TimeProvider.System), default);

        Assert.Equal(1, await _runner.DeliverAsync());
        var received = Assert.Single(_receiver.Heard);
        Assert.Equal((sent.Value, "webhook.test", endpoint.Endpoint.EndpointId.ToString()), (received.Id, TypeOf(received), DataOf(received, "webhook_id")));
        Assert.Equal(received.SignatureBy(endpoint.Secret), received.Headers["webhook-signature"]);
    }

    private static string TypeOf(Received received) => (string)System.Text.Json.Nodes.JsonNode.Parse(received.Body)!["type"]!;

    private static string? DataOf(Received received, string name) => (string?)System.Text.Json.Nodes.JsonNode.Parse(received.Body)!["data"]![name];
}
