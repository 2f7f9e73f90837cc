using Microsoft.AspNetCore.Http;
using SaasLlm.Core.Webhooks;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.Webhooks;

/// <summary>Receivers that fail: they are asked again, later and later, and given up in the end.</summary>
public sealed class FailedDeliveryTests(AppFixture app) : IAsyncLifetime
{
    private WebhookBench _bench = null!;
    private Runner _runner = null!;

    public async ValueTask InitializeAsync()
    {
        _bench = await WebhookBench.CreateAsync(app);
        await _bench.StopClockAsync();
        _runner = _bench.CreateRunner(settings: ("Timeout", "00:00:45"));
    }

    public ValueTask DisposeAsync() => _bench.DisposeAsync();

    [Theory]
    [InlineData(500, "http_status")]
    [InlineData(400, "http_status")]
    [InlineData(301, "redirect")]
    [InlineData(307, "redirect")]
    public async Task Any_status_but_2xx_is_a_failure_and_tried_again(int status, string error)
    {
        var endpoint = await _runner.RegisterAsync(_bench.Receiver.Url + "/hook");
        _bench.Receiver.Answers["/hook"] = context =>
        {
            context.Response.StatusCode = status;
            context.Response.Headers.Location = _bench.Receiver.Url + "/elsewhere";
            return context.Response.WriteAsync("no\0 thanks");
        };
        var message = (await _bench.RaiseAsync())[0];

        Assert.Equal(1, await _runner.RelayAndDeliverAsync());

        Assert.Equal([$"pending 1 {status} {error}"], await _bench.DeliveriesAsync(endpoint));
        Assert.Equal($"{status} {error} no  thanks", await _bench.ScalarAsync<string>("SELECT concat_ws(' ', http_status, error, response_excerpt) FROM webhook_attempts"));
        Assert.Empty(_bench.Receiver.At("/elsewhere"));

        Assert.Equal(1L, await _bench.ScalarAsync<long>("SELECT count(*) FROM webhook_endpoints e JOIN webhook_deliveries d ON d.due_at = e.ready_at"));
        _bench.Receiver.Answers.Clear();
        await _bench.ShiftAsync(TimeSpan.FromSeconds(10));
        Assert.Equal(1, await _runner.RelayAndDeliverAsync());
        Assert.Equal(["delivered 2 200 -"], await _bench.DeliveriesAsync(endpoint));
        Assert.All(_bench.Receiver.Heard, received => Assert.Equal(message, received.Id));
        Assert.Single(_bench.Receiver.Heard.Select(received => received.Body).Distinct());
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
        var endpoint = await _runner.RegisterAsync(_bench.Receiver.Url + "/hook");
        _bench.Receiver.Answers["/hook"] = context =>
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
        var endpoint = await _runner.RegisterAsync(_bench.Receiver.Url + "/gone");
        await _runner.RegisterAsync(_bench.Receiver.Url + "/others", null, "webhook.disabled");
        _bench.Receiver.Answers["/gone"] = context =>
        {
            context.Response.StatusCode = 410;
            return Task.CompletedTask;
        };
        await _bench.RaiseAsync();
        await _runner.RelayAndDeliverAsync();

        await _bench.RaiseAsync();
        await _runner.RelayAndDeliverAsync();

        Assert.Single(_bench.Receiver.At("/gone"));
        // The last is the event of its own end.
        Assert.Equal(["dead 1 410 http_status", "dropped 0 - -", "dropped 0 - -"], await _bench.DeliveriesAsync(endpoint));
        Assert.Equal("disabled gone", await _bench.ScalarAsync<string>(
            "SELECT status || ' ' || status_reason FROM webhook_endpoints WHERE endpoint_id = $1", endpoint.Endpoint.EndpointId));
        var told = Assert.Single(_bench.Receiver.At("/others"));
        Assert.Equal(("webhook.disabled", endpoint.Endpoint.EndpointId.ToString(), "gone"),
            (told.Type, told.Data("webhook_id"), told.Data("reason")));
    }

    [Fact]
    public async Task What_fails_for_days_is_switched_off_and_one_success_forgives_all()
    {
        var endpoint = await _runner.RegisterAsync(_bench.Receiver.Url + "/hook");
        var isUp = false;
        _bench.Receiver.Answers["/hook"] = context =>
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
        await _runner.RegisterAsync(_bench.Receiver.Url + "/hook");
        _bench.Receiver.Answers["/hook"] = context =>
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
}
