using System.Text.RegularExpressions;
using SaasLlm.Tests.Access;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.Webhooks;

/// <summary>Webhooks over HTTP.</summary>
[Collection(ApiTests.Name)]
public sealed partial class WebhookEndpointTests(ApiFixture api)
{
    [Fact]
    public async Task A_team_registers_reads_changes_and_deletes_a_webhook()
    {
        var team = await api.CreateTeamAsync();
        var client = api.First.As(team.Key);

        var made = (await client.PostAsync("/api/webhooks/register", """
            {"url":"https://example.com/hook","events":["job.completed","credits.*"],"description":"Production"}
            """)).Is(200);

        var id = (string)made["webhook_id"]!;
        Assert.Matches(Secret(), (string)made["secret"]!);
        Assert.Equal(ApiAnswer.Compact($$"""
            {"webhook_id":"{{id}}","organization_id":"{{team.OrganizationId}}","team_id":"{{team.Id}}","url":"https://example.com/hook",
             "events":["job.completed","credits.*"],"description":"Production","status":"active","status_reason":null,"failing_since":null,
             "previous_secret_until":null}
            """), (await client.GetAsync($"/api/webhooks/{id}")).Is(200).Without("created_at", "updated_at"));

        var changed = (await client.PutAsync($"/api/webhooks/{id}", """{"url":"https://example.com/other","events":[]}""")).Is(200);
        Assert.Equal(("https://example.com/other", "[]", "Production"), ((string)changed["url"]!, changed["events"]!.ToJsonString(), (string)changed["description"]!));

        (await client.DeleteAsync($"/api/webhooks/{id}")).Is(204);
        (await client.GetAsync($"/api/webhooks/{id}")).Is(404, "webhook.not_found");
        (await client.PutAsync($"/api/webhooks/{id}", "{}")).Is(404, "webhook.not_found");
        (await client.DeleteAsync($"/api/webhooks/{id}")).Is(404, "webhook.not_found");
    }

    [Fact]
    public async Task The_operator_registers_for_any_team_and_for_a_whole_organization()
    {
        var team = await api.CreateTeamAsync();

        var ofTeam = (await RegisterAsync($$"""{"team_id":"{{team.Id}}","url":"https://example.com/1"}""")).Is(200)["webhook"]!;
        await WallClock.NextIdAsync();
        var ofAll = (await RegisterAsync($$"""{"organization_id":"{{team.OrganizationId}}","url":"https://example.com/2"}""")).Is(200)["webhook"]!;

        Assert.Equal((team.OrganizationId, team.Id), ((string)ofTeam["organization_id"]!, (string)ofTeam["team_id"]!));
        Assert.Equal((team.OrganizationId, null), ((string)ofAll["organization_id"]!, (string?)ofAll["team_id"]));
        Assert.Equal([Id(ofTeam), Id(ofAll)], await IdsAsync(api.Operator, $"?organization_id={team.OrganizationId}"));
        Assert.Equal([Id(ofTeam)], await IdsAsync(api.Operator, $"?team_id={team.Id}"));
        // The organization's own is the operator's business.
        Assert.Equal([Id(ofTeam)], await IdsAsync(api.First.As(team.Key), ""));
        (await api.First.As(team.Key).GetAsync($"/api/webhooks/{Id(ofAll)}")).Is(404, "webhook.not_found");

        (await RegisterAsync("""{"team_id":"nobody","url":"https://example.com/"}""")).Is(404, "team.not_found");
        (await RegisterAsync("""{"organization_id":"nobody","url":"https://example.com/"}""")).Is(404, "organization.not_found");
        (await RegisterAsync($$"""{"organization_id":"nobody","team_id":"{{team.Id}}","url":"https://example.com/"}""")).Is(404, "team.not_found");
        Assert.Equal(["team_id"], (await RegisterAsync("""{"url":"https://example.com/"}""")).Is(422).RefusedFields);
    }

    [Theory]
    [InlineData("url", """{"url":"http://example.com/"}""")]
    [InlineData("url", """{"url":"https://169.254.169.254/"}""")]
    [InlineData("url", "{}")]
    [InlineData("events", """{"url":"https://example.com/","events":["job.finished"]}""")]
    [InlineData("events", """{"url":"https://example.com/","events":["*"]}""")]
    [InlineData("events", """{"url":"https://example.com/","events":["job.*","job.*"]}""")]
    [InlineData("description", """{"url":"https://example.com/","description":" "}""")]
    public async Task What_is_not_right_is_refused_by_name(string field, string body)
    {
        var team = await api.CreateTeamAsync();

        Assert.Equal([field], (await api.First.As(team.Key).PostAsync("/api/webhooks/register", body)).Is(422).RefusedFields);

        if (body != "{}")
        {
            Assert.Equal([field], (await api.Operator.PutAsync($"/api/webhooks/{await api.CreateWebhookAsync(team)}", body)).Is(422).RefusedFields);
        }
    }

    [Fact]
    public async Task A_team_has_at_most_twenty_however_they_race()
    {
        var team = await api.CreateTeamAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 24).Select(_ => RegisterAsync($$"""{"team_id":"{{team.Id}}","url":"https://example.com/"}""")));

        Assert.Equal((20, 4), (answers.Count(answer => answer.Status == 200), answers.Count(answer => answer is { Status: 409, Code: "webhook.limit" })));
        (await RegisterAsync($$"""{"organization_id":"{{team.OrganizationId}}","url":"https://example.com/"}""")).Is(200);
    }

    [Fact]
    public async Task It_is_paused_and_resumed()
    {
        var team = await api.CreateTeamAsync();
        var client = api.First.As(team.Key);
        var id = await api.CreateWebhookAsync(team);

        Assert.Equal("paused", (string)(await client.PostAsync($"/api/webhooks/{id}/pause")).Is(200)["status"]!);
        Assert.Equal("paused", (string)(await client.PostAsync($"/api/webhooks/{id}/pause")).Is(200)["status"]!);
        Assert.Equal([id.ToString()], await IdsAsync(client, "?status=paused"));
        Assert.Equal("active", (string)(await client.PostAsync($"/api/webhooks/{id}/resume")).Is(200)["status"]!);
        Assert.Empty(await IdsAsync(client, "?status=paused"));
    }

    [Fact]
    public async Task A_rotated_secret_is_a_new_one_and_the_old_one_goes_on_for_the_overlap()
    {
        var team = await api.CreateTeamAsync();
        var made = await RegisterAsync($$"""{"team_id":"{{team.Id}}","url":"https://example.com/"}""");

        var rotated = (await api.First.As(team.Key).PostAsync($"/api/webhooks/{made["webhook_id"]}/rotate-secret", """{"overlap_seconds":3600}""")).Is(200);

        Assert.Matches(Secret(), (string)rotated["secret"]!);
        Assert.NotEqual((string)made["secret"]!, (string)rotated["secret"]!);
        var until = (DateTimeOffset)rotated["webhook"]!["previous_secret_until"]!;
        Assert.InRange(until - DateTimeOffset.UtcNow, TimeSpan.FromMinutes(59), TimeSpan.FromMinutes(61));
    }

    // A receiver that has not changed over yet knows neither of the two that would sign.
    [Fact]
    public async Task While_an_overlap_runs_a_secret_is_replaced_at_once_or_not_at_all()
    {
        var team = await api.CreateTeamAsync();
        var client = api.First.As(team.Key);
        var id = await api.CreateWebhookAsync(team);
        var first = (await client.PostAsync($"/api/webhooks/{id}/rotate-secret")).Is(200);

        (await client.PostAsync($"/api/webhooks/{id}/rotate-secret")).Is(409, "webhook.rotation_running");
        (await client.PostAsync($"/api/webhooks/{Guid.CreateVersion7()}/rotate-secret")).Is(404, "webhook.not_found");
        Assert.Equal(first["webhook"]!.ToJsonString(), (await client.GetAsync($"/api/webhooks/{id}")).Is(200).Text);

        var second = (await client.PostAsync($"/api/webhooks/{id}/rotate-secret", """{"overlap_seconds":0}""")).Is(200);
        Assert.NotEqual((string)first["secret"]!, (string)second["secret"]!);
        Assert.Null(second["webhook"]!["previous_secret_until"]);
        (await client.PostAsync($"/api/webhooks/{id}/rotate-secret")).Is(200);
    }

    [Fact]
    public async Task Secrets_are_stored_encrypted()
    {
        var team = await api.CreateTeamAsync();

        var made = await RegisterAsync($$"""{"team_id":"{{team.Id}}","url":"https://example.com/"}""");

        var secret = Convert.FromBase64String(((string)made["secret"]!)["whsec_".Length..]);
        var stored = await api.ScalarAsync<byte[]>("SELECT secret FROM webhook_endpoints WHERE endpoint_id = $1", Guid.Parse((string)made["webhook_id"]!));
        Assert.Equal(32, secret.Length);
        Assert.Equal(-1, stored.AsSpan().IndexOf(secret.AsSpan(0, 8)));
    }

    [Fact]
    public async Task A_suspended_team_may_read_and_stop_its_webhooks_only()
    {
        var team = await api.CreateTeamAsync();
        var client = api.First.As(team.Key);
        var id = await api.CreateWebhookAsync(team);
        (await api.Operator.PutAsync($"/api/teams/{team.Id}/suspend")).Is(200);

        (await client.PostAsync("/api/webhooks/register", """{"url":"https://example.com/"}""")).Is(403, "team.suspended");
        (await client.PutAsync($"/api/webhooks/{id}", "{}")).Is(403, "team.suspended");
        (await client.PostAsync($"/api/webhooks/{id}/resume")).Is(403, "team.suspended");
        (await client.PostAsync($"/api/webhooks/{id}/rotate-secret")).Is(403, "team.suspended");
        (await client.GetAsync($"/api/webhooks/{id}")).Is(200);
        (await client.PostAsync($"/api/webhooks/{id}/pause")).Is(200);
        (await client.DeleteAsync($"/api/webhooks/{id}")).Is(204);
    }

    // Those two events are a row more for every job.
    [Fact]
    public async Task An_account_knows_whether_an_endpoint_asks_for_the_events_of_every_job()
    {
        var team = await api.CreateTeamAsync();
        var other = await api.CreateTeamAsync(organization: team.OrganizationId);
        Assert.Equal((false, false), (await RaisesAsync(team), await RaisesAsync(other)));

        var mine = (string)(await RegisterAsync($$"""{"team_id":"{{team.Id}}","url":"https://example.com/","events":["job.started"]}""")).Is(200)["webhook_id"]!;
        Assert.Equal((true, false), (await RaisesAsync(team), await RaisesAsync(other)));

        (await api.Operator.PutAsync($"/api/webhooks/{mine}", """{"events":["job.completed"]}""")).Is(200);
        Assert.Equal((false, false), (await RaisesAsync(team), await RaisesAsync(other)));

        var all = (string)(await RegisterAsync($$"""{"organization_id":"{{team.OrganizationId}}","url":"https://example.com/","events":["job.*"]}""")).Is(200)["webhook_id"]!;
        var later = await api.CreateTeamAsync(organization: team.OrganizationId);
        Assert.Equal((true, true, true), (await RaisesAsync(team), await RaisesAsync(other), await RaisesAsync(later)));

        (await api.Operator.DeleteAsync($"/api/webhooks/{all}")).Is(204);
        Assert.Equal((false, false, false), (await RaisesAsync(team), await RaisesAsync(other), await RaisesAsync(later)));
    }

    private Task<ApiAnswer> RegisterAsync(string body) => api.Operator.PostAsync("/api/webhooks/register", body);

    private Task<bool> RaisesAsync(TestTeam team)
        => api.ScalarAsync<bool>("SELECT raises_job_events FROM team_credits WHERE team_id = $1", team.Id);

    private static string Id(System.Text.Json.Nodes.JsonNode webhook) => (string)webhook["webhook_id"]!;

    private static async Task<string[]> IdsAsync(ApiClient client, string query)
        => [.. (await client.GetAsync("/api/webhooks" + query)).Is(200)["items"]!.AsArray().Select(item => Id(item!))];

    [GeneratedRegex("^whsec_[A-Za-z0-9+/]{43}=$")]
    private static partial Regex Secret();
}
