using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Llm.Bodies;

namespace SaasLlm.Tests.Access;

/// <summary>Walks every route there is, as a team that wants another's things.</summary>
[Collection(ApiTests.Name)]
public sealed partial class TenantIsolationTests(ApiFixture api)
{
    // The last is FastEndpoints' own, in the package only; it names the routes, as the OpenAPI document does.
    private static readonly string[] s_open = ["/", "/alive", "/health", "/openapi/{documentName}.json", "/_test_url_cache_"];

    // What is the same for all teams: each may read it.
    private static readonly string[] s_shared = ["GET /api/job-types"];

    // What passes validation, by the end of the route; elsewhere {}.
    private static readonly (string End, string Body)[] s_bodies =
    [
        ("PUT /models", """[{"model_name":"stolen"}]"""),
        ("PUT /model-groups", "[]"),
        ("POST /llm-call", """{"model_group":"G","messages":[{"role":"user","content":"hi"}]}"""),
        ("POST /llm-call-stream", """{"model_group":"G","messages":[{"role":"user","content":"hi"}]}"""),
        ("PUT /call-bodies", """{"keep_days":1}"""),
        ("POST /complete", """{"status":"completed"}"""),
        ("PATCH /metadata", """{"metadata":{"stolen":true}}"""),
        ("POST /create-and-call", """{"team_id":"VICTIM","job_type":"theft","model_group":"GROUP","messages":[{"role":"user","content":"x"}]}"""),
        ("POST /create-and-call-stream", """{"team_id":"VICTIM","job_type":"theft","model_group":"GROUP","messages":[{"role":"user","content":"x"}]}"""),
        ("POST /chat/completions", """{"model":"GROUP","messages":[{"role":"user","content":"x"}]}"""),
        ("POST /embeddings", """{"model":"GROUP","input":"x"}"""),
        ("POST /responses", """{"model":"GROUP","input":"x"}"""),
        ("POST /v1/completions", """{"model":"GROUP","prompt":"x"}"""),
        ("POST /jobs/submit", """{"team_id":"VICTIM","job_type":"theft","steps":[{"model_group":"GROUP","messages":[{"role":"user","content":"x"}]}]}"""),
        ("POST /webhooks/register", """{"team_id":"VICTIM","url":"https://example.com/theft"}"""),
        ("POST /jobs/create", """{"team_id":"VICTIM","job_type":"theft"}"""),
    ];

    [Fact]
    public void Every_route_states_one_policy_or_is_on_the_list_of_open_ones()
    {
        foreach (var route in Routes())
        {
            Assert.True(route.Policy is Policies.Operator or Policies.TeamOrOperator || (route.Policy is null && s_open.Contains(route.Pattern)),
                $"{route.Method} {route.Pattern}: {route.Policy ?? "open"}");
        }
    }

    [Fact]
    public async Task Nobody_gets_in_without_a_key_or_with_a_wrong_one()
    {
        var victim = await VictimAsync();
        foreach (var route in Routes().Where(route => route.Policy is not null))
        {
            foreach (var key in new[] { null, "sk-" + new string('A', 43), "sk-short", "not a key", victim.Team.KeyId.ToString() })
            {
                var answer = await api.First.As(key).SendAsync(new(route.Method), victim.PathOf(route.Pattern), BodyOf(route, victim));
                Assert.True(answer is { Status: 401, Code: "access.unauthorized" }, $"{route.Method} {route.Pattern}: {answer.Status} {answer.Text}");
            }
        }
    }

    [Fact]
    public async Task A_foreign_teams_key_finds_nothing_and_changes_nothing_on_any_route()
    {
        var victim = await VictimAsync();
        var thief = api.First.As((await api.CreateTeamAsync(credits: 5, organization: victim.Team.OrganizationId)).Key);
        var before = await FingerprintAsync(victim);
        var walked = 0;
        foreach (var route in Routes().Where(route => route.Policy is not null))
        {
            foreach (var query in new[] { "", $"?team_id={victim.Team.Id}&external_task_id={victim.TaskId}" })
            {
                var answer = await thief.SendAsync(new(route.Method), victim.PathOf(route.Pattern) + query, BodyOf(route, victim));
                Assert.True(IsRefusal(route, query, answer), $"{route.Method} {route.Pattern}{query}: {answer.Status} {answer.Text}");
                Assert.DoesNotContain(victim.TaskId, answer.Text, StringComparison.Ordinal);
                Assert.DoesNotContain(victim.Team.KeyId.ToString(), answer.Text, StringComparison.Ordinal);
                walked++;
            }
        }

        Assert.InRange(walked, 50, int.MaxValue);
        Assert.Equal(before, await FingerprintAsync(victim));
        (await api.First.As(victim.Team.Key).GetAsync($"/api/teams/{victim.Team.Id}")).Is(200);
    }

    // 403 where no team may go at all, 404 where the thing is another's. A list of the caller's own things may be empty.
    private static bool IsRefusal(Route route, string query, ApiAnswer answer)
        => route.Policy == Policies.Operator
            ? answer is { Status: 403, Code: "access.forbidden" }
            : answer.Status == 404
              || (!route.Pattern.Contains('{', StringComparison.Ordinal) && route.Method == "GET"
                  && (answer.Status == 422 || s_shared.Contains($"GET {route.Pattern}") || (answer.Status == 200 && (answer["items"] ?? answer["data"])!.AsArray().Count == 0)));

    private static string? BodyOf(Route route, Victim victim)
        => route.Method is "GET" or "DELETE"
            ? null
            : (s_bodies.FirstOrDefault(body => $"{route.Method} {route.Pattern}".StartsWith(body.End.Split(' ')[0], StringComparison.Ordinal)
                                               && route.Pattern.EndsWith(body.End.Split(' ')[1], StringComparison.Ordinal)).Body ?? "{}")
                .Replace("VICTIM", victim.Team.Id, StringComparison.Ordinal).Replace("GROUP", victim.Group, StringComparison.Ordinal);

    private List<Route> Routes()
    {
        var routes = new List<Route>();
        foreach (var endpoint in api.First.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>())
        {
            // FastEndpoints adds a policy of its own to each endpoint, with a generated name.
            var policies = endpoint.Metadata.GetOrderedMetadata<IAuthorizeData>().Select(data => data.Policy).OfType<string>()
                .Where(name => !name.StartsWith("epPolicy:", StringComparison.Ordinal)).Distinct().ToList();
            var isOpen = policies.Count == 0 || endpoint.Metadata.GetMetadata<IAllowAnonymous>() is not null;
            var policy = isOpen ? null : string.Join("+", policies);
            var pattern = "/" + endpoint.RoutePattern.RawText!.Trim('/');
            routes.AddRange((endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? ["GET"])
                .Select(method => new Route(method, pattern, policy)));
        }

        return routes;
    }

    private async Task<Victim> VictimAsync()
    {
        var group = await api.CreateGroupAsync();
        var team = await api.CreateTeamAsync(credits: 50, organization: null, group);
        var task = ApiFixture.Unique("task");
        var ledger = api.First.Services.GetRequiredService<ILedger>();
        var job = JobId.New(TimeProvider.System);
        var opened = await ledger.OpenJobAsync(
            new(job, team.Id, "victim", null, task, "{}", TimeSpan.FromHours(1), 100), CancellationToken.None);
        Assert.Null(opened.Failure);
        var webhook = await api.CreateWebhookAsync(team);
        return new(team, group, job.Value, task, webhook, await api.CreateDeliveryAsync(webhook), await CreateBodyAsync(team.Id, job));
    }

    // What a call of the victim's asked, as its team keeps it.
    private async Task<Guid> CreateBodyAsync(string team, JobId job)
    {
        var store = api.First.Services.GetRequiredService<CallBodyStore>();
        var body = new CallBody(
            team, CallId.New(TimeProvider.System), job, "G", null, 1, BodyText.Of(JsonElement.Parse("""{"messages":"the victim's"}"""), 1000), default);
        await store.InsertAsync([store.Seal(body)], await store.NowAsync(default), default);
        return body.CallId.Value;
    }

    // All that is the victim's, in every table that has a team's id, and its organization and group.
    private async Task<string> FingerprintAsync(Victim victim)
    {
        var tables = (await api.ScalarAsync<string>("""
            SELECT string_agg(DISTINCT c.table_name, ',') FROM information_schema.columns c
              JOIN information_schema.tables t USING (table_schema, table_name)
             WHERE c.table_schema = 'public' AND c.column_name = 'team_id' AND t.table_type = 'BASE TABLE'
            """)).Split(',').Order(StringComparer.Ordinal);
        var prints = new List<string>();
        foreach (var table in tables)
        {
            prints.Add(await PrintAsync(table, "team_id", victim.Team.Id));
        }

        prints.Add(await PrintAsync("organizations", "organization_id", victim.Team.OrganizationId));
        prints.Add(await PrintAsync("model_groups", "group_name", victim.Group));
        prints.Add(await PrintAsync("model_group_models", "group_name", victim.Group));
        return string.Join('\n', prints);
    }

    private async Task<string> PrintAsync(string table, string column, string id)
        => await api.ScalarAsync<string>(
            $"SELECT '{table}: ' || coalesce(string_agg(t::text, ' | ' ORDER BY t::text), '') FROM {table} t WHERE {column} = $1", id);

    private sealed record Route(string Method, string Pattern, string? Policy);

    private sealed partial record Victim(TestTeam Team, string Group, Guid JobId, string TaskId, Guid WebhookId, Guid MessageId, Guid CallId)
    {
        public string PathOf(string pattern) => Parameter().Replace(pattern, match => match.Groups[1].Value switch
        {
            "team_id" => Team.Id,
            "organization_id" => Team.OrganizationId,
            "group_name" => Group,
            "key_id" => Team.KeyId.ToString(),
            "job_id" => JobId.ToString(),
            "call_id" => CallId.ToString(),
            "webhook_id" => WebhookId.ToString(),
            "message_id" => MessageId.ToString(),
            "model_name" => "victim/model",
            "name" => "victim",
            var unknown => throw new InvalidOperationException($"say here what the victim's {unknown} is"),
        });

        [GeneratedRegex(@"\{\**(\w+)[^}]*\}")]
        private static partial Regex Parameter();
    }
}
