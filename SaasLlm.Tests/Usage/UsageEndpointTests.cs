using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using SaasLlm.ApiService.Usage;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Tests.Access;
using SaasLlm.Tests.Credits;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.Usage;

/// <summary>Usage as teams and operators read it.</summary>
[Collection(ApiTests.Name)]
public sealed class UsageEndpointTests(ApiFixture api)
{
    [Fact]
    public async Task A_months_usage_is_summed_and_grouped_and_models_and_costs_are_the_operators()
    {
        var team = await WorkedAsync();
        var key = api.First.As(team.Key);
        var month = $"{DateTimeOffset.UtcNow:yyyy-MM}";
        var path = $"/api/teams/{team.Id}/usage";

        var usage = (await key.GetAsync(path)).Is(200);
        Assert.Equal(
            ApiAnswer.Compact($$$"""
                {"id":"{{{team.Id}}}","period":"{{{month}}}","jobs_by_status":{"completed":2,"failed":1,"pending":1},"jobs_by_type":{"parse":3,"sum":1},"total_jobs":4,
                 "total_calls":3,"successful_calls":2,"failed_calls":1,"total_tokens":30,"input_tokens":20,"cached_input_tokens":0,"output_tokens":10,"reasoning_tokens":0,
                 "total_cost_usd":0.0024,"credits_used":1.5,"credits_refunded":0.5,
                 "model_groups":[{"model_group":"G","calls":3,"failed_calls":1,"tokens":30,"client_cost_usd":0.0024}]}
                """),
            usage.Without("from", "until"));
        Assert.Equal(usage.Text, (await key.GetAsync($"{path}?period={month}")).Is(200).Text);

        var byUser = (await key.GetAsync($"{path}?group_by=user")).Is(200);
        Assert.Equal("""[[null,3,0.5],["=cmd()",1,1]]""", Cells(byUser["items"]!, "user_id", "total_jobs", "credits_used"));
        var byGroup = (await key.GetAsync($"{path}?group_by=model_group,day")).Is(200)["items"]!;
        Assert.Equal($"""[["G","{DateTimeOffset.UtcNow:yyyy-MM-dd}",3]]""", Cells(byGroup, "model_group", "day", "total_calls"));
        Assert.Null(byGroup[0]!["total_jobs"]);
        Assert.Null(byGroup[0]!["provider_cost_usd"]);

        var mine = (await api.Operator.GetAsync($"{path}?group_by=model")).Is(200);
        Assert.Equal("""[[null,1,0],["gpt-4-turbo",2,0.002]]""", Cells(mine["items"]!, "model", "total_calls", "provider_cost_usd"));
        Assert.Equal(
            (0.002m, 0.0004m, 1.5m * 4 / 8, 0m, (1.5m * 4 / 8) - 0.002m),
            ((decimal)mine["provider_cost_usd"]!, (decimal)mine["margin_usd"]!, (decimal)mine["revenue_usd"]!, (decimal)mine["unpriced_credits"]!, (decimal)mine["profit_usd"]!));
        (await key.GetAsync($"{path}?group_by=model")).Is(403, "access.forbidden");

        var whole = (await api.Operator.GetAsync($"/api/organizations/{team.OrganizationId}/usage?group_by=team")).Is(200);
        Assert.Equal($"""[["{team.Id}",4]]""", Cells(whole["items"]!, "team_id", "total_jobs"));
        Assert.Equal((int)usage["total_tokens"]!, (int)whole["total_tokens"]!);
        (await api.Operator.GetAsync("/api/organizations/none/usage")).Is(404, "organization.not_found");
        (await api.Operator.GetAsync("/api/teams/none/usage")).Is(404, "team.not_found");
    }

    [Fact]
    public async Task A_filter_leaves_out_what_it_does_not_concern()
    {
        var team = await WorkedAsync();
        var path = $"/api/teams/{team.Id}/usage";
        var ofGroup = (await api.Operator.GetAsync($"{path}?model_group=G")).Is(200);
        Assert.Equal((3, null, null), ((int)ofGroup["total_calls"]!, ofGroup["total_jobs"], ofGroup["credits_used"]));
        Assert.Equal(0, (int)(await api.Operator.GetAsync($"{path}?model_group=none")).Is(200)["total_calls"]!);
        Assert.Equal(1, (int)(await api.Operator.GetAsync($"{path}?job_type=sum")).Is(200)["total_jobs"]!);
        Assert.Equal(1, (int)(await api.Operator.GetAsync($"{path}?user_id=%3Dcmd()")).Is(200)["total_jobs"]!);

        var today = DateTimeOffset.UtcNow;
        var past = (await api.Operator.GetAsync($"{path}?from={today.AddDays(-3):yyyy-MM-dd}&until={today.AddDays(-1):yyyy-MM-dd}")).Is(200);
        Assert.Equal((0, null), ((int)past["total_jobs"]!, past["period"]));
        var recent = (await api.Operator.GetAsync($"{path}?from={today.AddHours(-1):yyyy-MM-dd'T'HH}:00:00Z&group_by=hour")).Is(200);
        Assert.Equal((4, 4), ((int)recent["total_jobs"]!, recent["items"]!.AsArray().Sum(item => (int)item!["total_jobs"]!)));
    }

    [Fact]
    public async Task Everybodys_usage_is_paged_and_adds_up()
    {
        var (one, two) = (await WorkedAsync(), await WorkedAsync());
        List<string> listed = [];
        long jobs = 0;
        string? cursor = null;
        ApiAnswer page;
        do
        {
            page = (await api.Operator.GetAsync($"/api/usage?group_by=team,job_type&limit=3{(cursor is null ? "" : $"&cursor={cursor}")}")).Is(200);
            listed.AddRange(page["items"]!.AsArray().Select(item => $"{item!["team_id"]}/{item["job_type"]}"));
            jobs += page["items"]!.AsArray().Sum(item => (long)item!["total_jobs"]!);
            cursor = (string?)page["next_cursor"];
        }
        while (cursor is not null);

        Assert.Equal(listed.Order(StringComparer.Ordinal).Distinct(), listed);
        Assert.Superset(new HashSet<string> { $"{one.Id}/parse", $"{one.Id}/sum", $"{two.Id}/parse", $"{two.Id}/sum" }, listed.ToHashSet());
        Assert.Equal((long)page["total_jobs"]!, jobs);
    }

    [Fact]
    public async Task A_report_as_CSV_has_all_rows_and_no_formulas()
    {
        var team = await WorkedAsync();
        var path = $"/api/teams/{team.Id}/usage";
        var csv = (await api.First.As(team.Key).GetAsync($"{path}?group_by=user&format=csv&limit=1")).Is(200);
        Assert.Equal("text/csv; charset=utf-8", csv.ContentType);
        Assert.Equal(
            """
            user_id,total_jobs,completed_jobs,total_calls,failed_calls,input_tokens,cached_input_tokens,output_tokens,reasoning_tokens,total_cost_usd,credits_used,credits_refunded
            ,3,1,1,0,10,0,5,0,0.0012,0.5,0.5
            '=cmd(),1,1,2,1,10,0,5,0,0.0012,1,0

            """.ReplaceLineEndings("\r\n"),
            csv.Text);
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{path}?group_by=model");
        request.Headers.Add("Accept", "text/csv");
        using var ofOperator = await api.Operator.SendRawAsync(request);
        Assert.Equal(
            ["model,total_calls,failed_calls,input_tokens,cached_input_tokens,output_tokens,reasoning_tokens,total_cost_usd,provider_cost_usd,margin_usd,unknown_cost_calls", ",1,1,0,0,0,0,0,0,0,0", "gpt-4-turbo,2,0,20,0,10,0,0.0024,0.002,0.0004,0"],
            (await ofOperator.Content.ReadAsStringAsync()).Split("\r\n", StringSplitOptions.RemoveEmptyEntries));
    }

    // A reader that takes its time keeps a connection of Postgres: there are few of those.
    [Fact]
    public async Task A_process_writes_few_reports_as_CSV_at_once()
    {
        var reader = api.First.Services.GetRequiredService<Core.Usage.UsageReader>();
        var team = await api.CreateTeamAsync(1);
        var (key, path) = (api.First.As(team.Key), $"/api/teams/{team.Id}/usage?format=csv");
        var turns = Enumerable.Range(0, Core.Usage.UsageReader.StreamsMax).Select(_ => reader.TryTakeTurn()!).ToList();

        var busy = (await key.GetAsync(path)).Is(503, "usage.busy");

        Assert.Equal("10", busy.RetryAfter);
        turns[0].Dispose();
        turns[0].Dispose();
        // One turn is free, and each report gives it back.
        (await key.GetAsync(path)).Is(200);
        (await key.GetAsync(path)).Is(200);
        using (reader.TryTakeTurn())
        {
            (await key.GetAsync(path)).Is(503, "usage.busy");
        }

        turns.ForEach(turn => turn.Dispose());
    }

    [Theory]
    [InlineData("period=2026-01&from=2026-01-01", "period")]
    [InlineData("until=2026-01-01", "until")]
    [InlineData("from=2026-01-02&until=2026-01-01", "until")]
    [InlineData("from=2026-01-01T10:30:00Z", "from")]
    [InlineData("from=2020-01-01&until=2026-01-01", "until")]
    [InlineData("from=2026-01-01&until=2026-06-01&group_by=hour", "until")]
    [InlineData("from=2020-01-01", "until")]
    [InlineData("from=2026-01-01&group_by=hour", "until")]
    [InlineData("group_by=day,hour", "group_by")]
    [InlineData("group_by=day,day", "group_by")]
    [InlineData("group_by=shoe_size", "group_by")]
    [InlineData("group_by=user,model", "group_by")]
    [InlineData("limit=1001", "limit")]
    [InlineData("cursor=abc", "cursor")]
    [InlineData("group_by=day&cursor=WyJhIiwiYiJd", "cursor")]
    [InlineData("format=xml", "format")]
    public async Task What_is_wrong_is_said(string query, string field)
        => Assert.Equal([field], (await api.Operator.GetAsync($"/api/usage?{query}")).Is(422).RefusedFields);

    private static string Cells(JsonNode items, params string[] names)
        => new JsonArray([.. items.AsArray().Select(item => new JsonArray([.. names.Select(name =>
        {
            Assert.True(item!.AsObject().ContainsKey(name), $"{name} is missing in {item}");
            return item[name]?.DeepClone();
        })]))]).ToJsonString();

    // A job of a user with an answer and a failure, one without that was half refunded, one that failed, one that is open.
    private async Task<TestTeam> WorkedAsync()
    {
        await WallClock.NotNearTheHourAsync();
        var team = await api.CreateTeamAsync(credits: 0);
        (await api.Operator.PostAsync($"/api/credits/teams/{team.Id}/add", """{"credits":8,"cost_basis_usd":4}""")).Is(200);
        var ledger = api.First.Services.GetRequiredService<ILedger>();
        var half = await JobAsync(ledger, team.Id, "parse", null, "completed", "ok");
        await ledger.RefundJobAsync(new(TransactionId.New(TimeProvider.System), team.Id, half, 0.5m, "test"), default);
        await JobAsync(ledger, team.Id, "sum", "=cmd()", "completed", "ok", "llm.all_models_failed");
        await JobAsync(ledger, team.Id, "parse", null, "failed");
        await JobAsync(ledger, team.Id, "parse", null, null);
        return team;
    }

    private static async Task<JobId> JobAsync(ILedger ledger, string team, string type, string? user, string? status, params string[] calls)
    {
        var job = JobId.New(TimeProvider.System);
        Assert.Null((await ledger.OpenJobAsync(new(job, team, type, user, null, "{}", TimeSpan.FromHours(1), 100), default)).Failure);
        foreach (var call in calls)
        {
            var start = LedgerHarness.Intent(team, job) with { ModelGroup = "G" };
            Assert.Null((await ledger.StartCallAsync(start, default)).Failure);
            var end = LedgerHarness.End(start, call == "ok" ? null : call);
            Assert.Null((await ledger.EndCallAsync(call == "ok" ? end : end with { Usage = default, ProviderCostUsd = 0, ClientCostUsd = 0 }, default)).Failure);
        }

        if (status is not null)
        {
            Assert.Null((await ledger.CloseJobAsync(new(team, job, status, null, null), default)).Failure);
        }

        return job;
    }
}
