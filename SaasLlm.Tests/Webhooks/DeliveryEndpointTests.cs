using SaasLlm.Tests.Access;

namespace SaasLlm.Tests.Webhooks;

/// <summary>The delivery log over HTTP.</summary>
[Collection(ApiTests.Name)]
public sealed class DeliveryEndpointTests(ApiFixture api)
{
    [Fact]
    public async Task A_delivery_is_read_with_its_tries()
    {
        var (team, client, webhook) = await MakeAsync();
        var message = await api.CreateDeliveryAsync(webhook);
        await api.ScalarAsync<int>("""
            INSERT INTO webhook_attempts (endpoint_id, message_id, attempt_number, started_at, latency_ms, http_status, error, response_excerpt)
            VALUES ($1, $2, 1, '2026-01-31 12:00Z', 41, 500, 'http_status', 'no'), ($1, $2, 2, '2026-01-31 13:00Z', 15000, NULL, 'timeout', NULL)
            RETURNING 1
            """, webhook, message);

        var read = (await client.GetAsync($"/api/webhooks/{webhook}/deliveries/{message}")).Is(200);

        read["delivery"]!.AsObject().Remove("ended_at");
        Assert.Equal(ApiAnswer.Compact($$"""
            {"delivery":{"message_id":"{{message}}","event":"job.completed","team_id":"{{team.Id}}","status":"dead","attempts":10,"http_status":500,
              "error":"http_status","occurred_at":"2026-01-31T12:00:00Z","next_try_at":null},
             "body":{"type":"job.completed","timestamp":"2026-01-31T12:00:00Z","data":{} },
             "tries":[{"number":1,"started_at":"2026-01-31T12:00:00Z","latency_ms":41,"http_status":500,"error":"http_status","response_excerpt":"no"},
                      {"number":2,"started_at":"2026-01-31T13:00:00Z","latency_ms":15000,"http_status":null,"error":"timeout","response_excerpt":null}]}
            """), read.Json.ToJsonString());
        (await client.GetAsync($"/api/webhooks/{webhook}/deliveries/{Guid.CreateVersion7()}")).Is(404, "webhook_delivery.not_found");
        (await client.GetAsync($"/api/webhooks/{Guid.CreateVersion7()}/deliveries/{message}")).Is(404, "webhook.not_found");
    }

    [Fact]
    public async Task Deliveries_are_listed_newest_first_by_status_event_and_time()
    {
        var (_, client, webhook) = await MakeAsync();
        var dead = await api.CreateDeliveryAsync(webhook);
        var delivered = await api.CreateDeliveryAsync(webhook, "delivered");
        var pending = await api.CreateDeliveryAsync(webhook, "pending");

        Assert.Equal([pending, delivered, dead], await IdsAsync(client, webhook, ""));
        Assert.Equal([dead, delivered, pending], await IdsAsync(client, webhook, "?sort=message_id"));
        Assert.Equal([dead], await IdsAsync(client, webhook, "?status=dead"));
        Assert.Empty(await IdsAsync(client, webhook, "?event=job.failed"));
        Assert.Equal([pending, delivered, dead], await IdsAsync(client, webhook, "?event=job.completed&from=2026-01-31T12:00:00Z&to=2026-01-31T12:00:01Z"));
        Assert.Empty(await IdsAsync(client, webhook, "?to=2026-01-31T12:00:00Z"));
        var page = (await client.GetAsync($"/api/webhooks/{webhook}/deliveries?limit=2")).Is(200);
        Assert.Equal([dead], await IdsAsync(client, webhook, $"?limit=2&cursor={page["next_cursor"]}"));
        Assert.Equal(["status"], (await client.GetAsync($"/api/webhooks/{webhook}/deliveries?status=lost")).Is(422).RefusedFields);
        Assert.Equal(["cursor"], (await client.GetAsync($"/api/webhooks/{webhook}/deliveries?cursor=bm8")).Is(422).RefusedFields);
    }

    [Fact]
    public async Task A_replayed_delivery_begins_anew()
    {
        var (_, client, webhook) = await MakeAsync();
        var message = await api.CreateDeliveryAsync(webhook, "delivered");

        Assert.Equal(message.ToString(), (string)(await client.PostAsync($"/api/webhooks/{webhook}/deliveries/{message}/replay")).Is(200)["message_id"]!);

        Assert.Equal([message], await IdsAsync(client, webhook, "?status=pending"));
        Assert.Equal("0 10 true", await api.ScalarAsync<string>("""
            SELECT concat_ws(' ', d.tries, d.attempts, (e.ready_at <= now())::text)
              FROM webhook_deliveries d JOIN webhook_endpoints e USING (endpoint_id) WHERE message_id = $1
            """, message));
        (await client.PostAsync($"/api/webhooks/{webhook}/deliveries/{Guid.CreateVersion7()}/replay")).Is(404, "webhook_delivery.not_found");
    }

    [Theory]
    [InlineData("lease_token = NULL", "3 true")]
    // It is being tried at this moment.
    [InlineData("lease_token = gen_random_uuid()", "3 false")]
    public async Task A_delivery_that_waits_is_tried_now(string state, string expected)
    {
        var (_, client, webhook) = await MakeAsync();
        var message = await api.CreateDeliveryAsync(webhook, "pending");
        Assert.Equal(3, await api.ScalarAsync<int>(
            $"UPDATE webhook_deliveries SET tries = 3, due_at = now() + interval '20 hours', {state} WHERE message_id = $1 RETURNING tries", message));

        (await client.PostAsync($"/api/webhooks/{webhook}/deliveries/{message}/replay")).Is(200);

        Assert.Equal(expected, await api.ScalarAsync<string>("SELECT concat_ws(' ', tries, (due_at <= now())::text) FROM webhook_deliveries WHERE message_id = $1", message));
    }

    [Fact]
    public async Task All_that_failed_or_a_range_is_replayed()
    {
        var (_, client, webhook) = await MakeAsync();
        var (dead, dropped) = (await api.CreateDeliveryAsync(webhook), await api.CreateDeliveryAsync(webhook, "dropped"));
        await api.CreateDeliveryAsync(webhook, "delivered");
        var other = await api.CreateDeliveryAsync(await api.CreateWebhookAsync(await api.CreateTeamAsync()));
        var path = $"/api/webhooks/{webhook}/replay";

        Assert.Equal(0, (int)(await client.PostAsync(path, """{"event":"job.failed"}""")).Is(200)["replayed"]!);
        Assert.Equal(0, (int)(await client.PostAsync(path, """{"from":"2026-01-31T12:00:01Z"}""")).Is(200)["replayed"]!);
        Assert.Equal("""{"replayed":2,"next_cursor":null}""", (await client.PostAsync(path)).Is(200).Text);
        Assert.Equal([dead, dropped], await IdsAsync(client, webhook, "?status=pending&sort=message_id"));
        Assert.Equal(1, (int)(await client.PostAsync(path, """{"include_delivered":true,"to":"2026-02-01T00:00:00Z"}""")).Is(200)["replayed"]!);
        Assert.Equal(0, (int)(await client.PostAsync(path)).Is(200)["replayed"]!);
        Assert.Equal("dead", await api.ScalarAsync<string>("SELECT state FROM webhook_deliveries WHERE message_id = $1", other));
    }

    [Fact]
    public async Task A_large_replay_goes_on_where_the_last_one_ended()
    {
        var (_, client, webhook) = await MakeAsync();
        await api.ScalarAsync<long>("""
            WITH made AS (
              INSERT INTO webhook_deliveries (endpoint_id, message_id, topic, body, occurred_at, state, due_at, ended_at)
              SELECT $1, (lpad(to_hex(number), 12, '0') || '7' || lpad('', 3, '0') || '8' || lpad('', 15, '0'))::uuid, 'job.completed', '{}', now(), 'delivered', now(), now()
                FROM generate_series(1, 1500) AS number
              RETURNING 1)
            SELECT count(*) FROM made
            """, webhook);

        var first = (await client.PostAsync($"/api/webhooks/{webhook}/replay", """{"include_delivered":true}""")).Is(200);
        var second = (await client.PostAsync($"/api/webhooks/{webhook}/replay", $$"""{"include_delivered":true,"cursor":"{{first["next_cursor"]}}"}""")).Is(200);

        Assert.Equal((1000, 500, null), ((int)first["replayed"]!, (int)second["replayed"]!, (string?)second["next_cursor"]));
        Assert.Equal(1500L, await api.ScalarAsync<long>("SELECT count(*) FROM webhook_deliveries WHERE endpoint_id = $1 AND state = 'pending'", webhook));
    }

    [Fact]
    public async Task A_test_event_waits_for_its_webhook_alone()
    {
        var (team, client, webhook) = await MakeAsync();
        var other = await api.CreateWebhookAsync(team);

        var message = Guid.Parse((string)(await client.PostAsync($"/api/webhooks/{webhook}/test")).Is(200)["message_id"]!);

        var read = (await client.GetAsync($"/api/webhooks/{webhook}/deliveries/{message}")).Is(200);
        Assert.Equal(("webhook.test", "pending"), ((string)read["delivery"]!["event"]!, (string)read["delivery"]!["status"]!));
        Assert.Equal(("webhook.test", webhook.ToString(), team.Id), ((string)read["body"]!["type"]!, (string)read["body"]!["data"]!["webhook_id"]!, (string)read["body"]!["data"]!["team_id"]!));
        Assert.Empty(await IdsAsync(client, other, ""));
    }

    [Fact]
    public async Task A_suspended_team_sends_nothing_again()
    {
        var (team, client, webhook) = await MakeAsync();
        var message = await api.CreateDeliveryAsync(webhook);
        (await api.Operator.PutAsync($"/api/teams/{team.Id}/suspend")).Is(200);

        (await client.PostAsync($"/api/webhooks/{webhook}/test")).Is(403, "team.suspended");
        (await client.PostAsync($"/api/webhooks/{webhook}/replay")).Is(403, "team.suspended");
        (await client.PostAsync($"/api/webhooks/{webhook}/deliveries/{message}/replay")).Is(403, "team.suspended");
        Assert.Equal([message], await IdsAsync(client, webhook, "?status=dead"));
    }

    private async Task<(TestTeam Team, ApiClient Client, Guid Webhook)> MakeAsync()
    {
        var team = await api.CreateTeamAsync();
        return (team, api.First.As(team.Key), await api.CreateWebhookAsync(team));
    }

    private static async Task<Guid[]> IdsAsync(ApiClient client, Guid webhook, string query)
        => [.. (await client.GetAsync($"/api/webhooks/{webhook}/deliveries{query}")).Is(200)["items"]!.AsArray().Select(item => (Guid)item!["message_id"]!)];
}
