using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using SaasLlm.ApiService.Platform.Idempotency;
using SaasLlm.Tests.Access;

namespace SaasLlm.Tests.Platform.Idempotency;

/// <summary>What every POST does with its Idempotency-Key, walked.</summary>
[Collection(ApiTests.Name)]
public sealed partial class EveryPostTests(ApiFixture api)
{
    // What each route's work needs to be done, once: for a route that is not here, say it here.
    private static readonly Dictionary<string, string> s_bodies = new()
    {
        ["/api/organizations/create"] = """{"name":"Org"}""",
        ["/api/model-groups/create"] = """{"group_name":"NEW","models":[{"model_name":"gpt-4-turbo"}]}""",
        ["/api/teams/create"] = """{"organization_id":"ORGANIZATION","team_alias":"Team","credits_allocated":5}""",
        ["/api/teams/{team_id}/keys/generate"] = """{"name":"second"}""",
        ["/api/teams/{team_id}/keys/{key_id}/rotate"] = """{"overlap_seconds":60}""",
        ["/api/credits/teams/{team_id}/add"] = """{"credits":7}""",
        ["/api/credits/teams/{team_id}/configure-auto-refill"] = """{"enabled":true,"period":"monthly","credits":10}""",
        ["/api/credits/teams/{team_id}/check"] = "{}",
        ["/api/credits/teams/{team_id}/refund"] = """{"job_id":"JOB","credits":0.5}""",
        ["/api/credits/teams/{team_id}/adjust"] = """{"credits":-2,"reason":"Correction"}""",
        ["/api/job-types/create"] = """{"name":"NEW","price":2}""",
        ["/api/admin/reconciliation/run"] = "{}",
        ["/api/admin/tasks/{name}/run"] = "{}",
        ["/api/jobs/create"] = """{"team_id":"TEAM","job_type":"test"}""",
        ["/api/jobs/{job_id}/retry"] = """{"ended":"GRANTED"}""",
        ["/api/jobs/submit"] = """{"team_id":"TEAM","job_type":"test","steps":[{"model_group":"GRANTED","messages":[{"role":"user","content":"hi"}]}]}""",
        ["/api/jobs/{job_id}/llm-call"] = """{"model_group":"NONE","messages":[{"role":"user","content":"hi"}]}""",
        ["/api/jobs/{job_id}/llm-call-stream"] = """{"model_group":"NONE","messages":[{"role":"user","content":"hi"}]}""",
        ["/api/jobs/create-and-call"] = """{"team_id":"TEAM","job_type":"test","model_group":"NONE","messages":[{"role":"user","content":"hi"}]}""",
        ["/api/jobs/create-and-call-stream"] = """{"team_id":"TEAM","job_type":"test","model_group":"NONE","messages":[{"role":"user","content":"hi"}]}""",
        ["/v1/chat/completions"] = """{"model":"NONE","messages":[{"role":"user","content":"hi"}]}""",
        ["/v1/embeddings"] = """{"model":"NONE","input":"hi"}""",
        ["/v1/completions"] = """{"model":"NONE","prompt":"hi"}""",
        ["/v1/responses"] = """{"model":"NONE","input":"hi"}""",
        ["/api/jobs/{job_id}/complete"] = """{"status":"completed"}""",
        ["/api/jobs/{job_id}/cancel"] = "{}",
        ["/api/webhooks/register"] = """{"team_id":"TEAM","url":"https://example.com/hook"}""",
        ["/api/webhooks/{webhook_id}/pause"] = "{}",
        ["/api/webhooks/{webhook_id}/test"] = "{}",
        ["/api/webhooks/{webhook_id}/replay"] = "{}",
        ["/api/webhooks/{webhook_id}/deliveries/{message_id}/replay"] = "{}",
        ["/api/webhooks/{webhook_id}/resume"] = "{}",
        ["/api/webhooks/{webhook_id}/rotate-secret"] = """{"overlap_seconds":60}""",
    };

    [Fact]
    public async Task A_repeat_is_the_first_answer_on_every_route()
    {
        var walked = 0;
        foreach (var (pattern, _) in Routes())
        {
            var (path, body) = await MakeAsync(pattern);
            var key = ApiFixture.Unique("key");
            var first = await api.Operator.PostOnceAsync(path, body, key);
            var before = await FingerprintAsync();

            var again = await api.Second.Operator.PostOnceAsync(path, body, key);

            Assert.True(first is { Status: >= 200 and < 500, Replayed: null }, $"{pattern}: {first.Status} {first.Text}");
            Assert.Equal((pattern, first.Status, first.Text, first.ContentType, "true"), (pattern, again.Status, again.Text, again.ContentType, again.Replayed));
            Assert.Equal(before, await FingerprintAsync());
            (await api.Operator.PostOnceAsync(path, body + " ", key)).Is(409, "idempotency.key_reused");
            walked++;
        }

        Assert.InRange(walked, 10, int.MaxValue);
    }

    // The work is committed, the process dies, the client asks again: it gets what it would have got, and nothing is done twice.
    [Fact]
    public async Task After_a_crash_between_work_and_answer_the_repeat_answers_the_same_and_does_nothing_again()
    {
        foreach (var (pattern, mayRepeat) in Routes())
        {
            var (path, body) = await MakeAsync(pattern);
            var key = ApiFixture.Unique("key");
            var lost = await api.WithoutAnswersAsync(() => api.Operator.PostOnceAsync(path, body, key));
            var before = await FingerprintAsync();

            var repeat = await api.Second.Operator.PostOnceAsync(path, body, key);

            Assert.Equal(before, await FingerprintAsync());
            if (mayRepeat)
            {
                Assert.True(lost.Status is 200 or 202, $"{pattern}: {lost.Status} {lost.Text}");
                Assert.Equal((pattern, lost.Status, lost.Text, null), (pattern, repeat.Status, repeat.Text, repeat.Replayed));
                Assert.Equal((lost.Text, "true"), (await api.Operator.PostOnceAsync(path, body, key)) switch { var again => (again.Text, again.Replayed) });
            }
            else
            {
                repeat.Is(409, "idempotency.outcome_unknown");
            }
        }
    }

    [Fact]
    public async Task A_key_that_is_none_is_400_on_every_route()
    {
        foreach (var (pattern, _) in Routes())
        {
            (await api.Operator.PostOnceAsync(Parameter().Replace(pattern, Guid.Empty.ToString()), "{}", "no key")).Is(400, "idempotency.invalid_key");
        }
    }

    // Calls to models are the only work that is not done again.
    [Fact]
    public void Only_calls_are_never_repeated()
        => Assert.Equal(
            [
                "/api/jobs/create-and-call", "/api/jobs/create-and-call-stream", "/api/jobs/{job_id}/llm-call", "/api/jobs/{job_id}/llm-call-stream",
                "/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/responses",
            ],
            Routes().Where(route => !route.MayRepeat).Select(route => route.Pattern).Order(StringComparer.Ordinal));

    private List<(string Pattern, bool MayRepeat)> Routes()
        => [.. api.First.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(route => route.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods.Contains("POST") == true)
            .Select(route => (
                Constraint().Replace("/" + route.RoutePattern.RawText!.TrimStart('/'), "}"),
                route.Metadata.GetMetadata<NeverRepeated>() is null))];

    /// <summary>A team, a key and a job of the route's own.</summary>
    private async Task<(string Path, string Body)> MakeAsync(string pattern)
    {
        Assert.True(s_bodies.TryGetValue(pattern, out var body), $"say in s_bodies what POST {pattern} takes");
        var granted = body.Contains("GRANTED", StringComparison.Ordinal) ? await api.CreateGroupAsync() : null;
        var team = await api.CreateTeamAsync(credits: 9, organization: null, granted is null ? [] : [granted]);
        var job = (string)(await api.First.As(team.Key).PostAsync("/api/jobs/create", """{"job_type":"test"}""")).Is(200)["job_id"]!;
        var task = await api.ScalarAsync<string>(
            "INSERT INTO scheduled_tasks (name, is_schedule, run_every) VALUES ($1, true, interval '1 hour') RETURNING name", $"task-{Guid.NewGuid():N}");
        if (pattern.EndsWith("/refund", StringComparison.Ordinal))
        {
            (await api.First.As(team.Key).PostAsync($"/api/jobs/{job}/complete", """{"status":"completed"}""")).Is(200);
        }

        var webhook = pattern.Contains("{webhook_id}", StringComparison.Ordinal) ? await api.CreateWebhookAsync(team) : Guid.Empty;
        var message = webhook != Guid.Empty ? await api.CreateDeliveryAsync(webhook) : Guid.Empty;
        if (pattern.EndsWith("/retry", StringComparison.Ordinal))
        {
            job = (string)(await api.First.As(team.Key).PostAsync("/api/jobs/submit",
                $$"""{"job_type":"test","steps":[{"model_group":"{{granted}}","messages":[{"role":"user","content":"hi"}]}]}""")).Is(200)["job_id"]!;
            (await api.First.As(team.Key).PostAsync($"/api/jobs/{job}/cancel")).Is(200);
        }

        return (
            Parameter().Replace(pattern, name => name.Value switch
            {
                "{webhook_id}" => webhook.ToString(),
                "{message_id}" => message.ToString(),
                "{team_id}" => team.Id,
                "{key_id}" => team.KeyId.ToString(),
                "{name}" => task,
                "{job_id}" => job,
                var unknown => throw new InvalidOperationException($"say here what {unknown} is"),
            }),
            body.Replace("GRANTED", granted, StringComparison.Ordinal)
                .Replace("NEW", ApiFixture.Unique("Group"), StringComparison.Ordinal)
                .Replace("ORGANIZATION", team.OrganizationId, StringComparison.Ordinal)
                .Replace("TEAM", team.Id, StringComparison.Ordinal)
                .Replace("JOB", job, StringComparison.Ordinal));
    }

    // Every row of every table but the keys themselves.
    private async Task<string> FingerprintAsync()
    {
        var tables = (await api.ScalarAsync<string>("""
            SELECT string_agg(table_name, ',' ORDER BY table_name) FROM information_schema.tables
             WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND table_name <> 'idempotency_keys'
            """)).Split(',');
        var prints = await Task.WhenAll(tables.Select(table =>
            api.ScalarAsync<string>($"SELECT '{table} ' || count(*) || ' ' || coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM \"{table}\" t")));
        return string.Join('\n', prints);
    }

    [GeneratedRegex(@"\{\w+\}")]
    private static partial Regex Parameter();

    [GeneratedRegex(@":[^}]+\}")]
    private static partial Regex Constraint();
}
