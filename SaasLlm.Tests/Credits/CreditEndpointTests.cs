using SaasLlm.Tests.Access;

namespace SaasLlm.Tests.Credits;

[Collection(ApiTests.Name)]
public sealed class CreditEndpointTests(ApiFixture api)
{
    [Fact]
    public async Task The_balance_is_the_account_row()
    {
        var team = await api.CreateTeamAsync(100);
        var balance = (await api.First.As(team.Key).GetAsync($"/api/credits/teams/{team.Id}/balance")).Is(200);
        Assert.Equal(
            ApiAnswer.Compact($$"""
                {"team_id":"{{team.Id}}","organization_id":"{{team.OrganizationId}}","credits_allocated":100,"credits_used":0,"credits_held":0,
                 "credits_remaining":100,"credits_available":100,"budget_mode":"job_based","credits_per_job":1,"credits_per_dollar":10,
                 "tokens_per_credit":10000,"credit_increment":1,"credit_limit":null,"month_used":0,"auto_refill":null}
                """),
            balance.Without("created_at", "updated_at"));
    }

    [Fact]
    public async Task Adding_credits_answers_with_the_ledger_entry()
    {
        var team = await api.CreateTeamAsync(100);
        var added = (await api.Operator.PostAsync($"/api/credits/teams/{team.Id}/add", """{"credits":50.5,"reason":"Monthly allocation"}""")).Is(200);
        Assert.Equal((team.Id, 50.5m), ((string)added["team_id"]!, (decimal)added["credits_added"]!));
        var entry = new ApiAnswer(200, added["transaction"]!.ToJsonString());
        Assert.Equal(
            """{"sequence":2,"type":"topup","amount":50.5,"credits_before":100,"credits_after":150.5,"job_id":null,"reason":"Monthly allocation"}""",
            entry.Without("transaction_id", "created_at", "lots"));
        var lot = Assert.Single(entry["lots"]!.AsArray());
        Assert.Equal(((string)entry["transaction_id"]!, 50.5m), ((string)lot!["lot_id"]!, (decimal)lot["credits"]!));

        var balance = await api.Operator.GetAsync($"/api/credits/teams/{team.Id}/balance");
        Assert.Equal((150.5m, 150.5m), ((decimal)balance["credits_allocated"]!, (decimal)balance["credits_remaining"]!));
        var newest = (await api.Operator.GetAsync($"/api/credits/teams/{team.Id}/transactions?limit=1")).Is(200)["items"]!.AsArray().Single();
        Assert.Equal(entry.Text, newest!.ToJsonString());
    }

    [Theory]
    [InlineData("""{}""", "credits")]
    [InlineData("""{"credits":null}""", "credits")]
    [InlineData("""{"credits":0}""", "credits")]
    [InlineData("""{"credits":-5}""", "credits")]
    [InlineData("""{"credits":0.0000001}""", "credits")]
    [InlineData("""{"credits":1000000000.000001}""", "credits")]
    [InlineData("""{"credits":79228162514264337593543950335}""", "credits")]
    [InlineData("""{"credits":1,"reason":""}""", "reason")]
    public async Task Adding_refuses_what_is_not_valid_and_changes_nothing(string body, string field)
    {
        var team = await api.CreateTeamAsync(1);
        Assert.Equal([field], (await api.Operator.PostAsync($"/api/credits/teams/{team.Id}/add", body)).Is(422, "request.invalid").RefusedFields);
        Assert.Equal(1m, (decimal)(await api.Operator.GetAsync($"/api/credits/teams/{team.Id}/balance"))["credits_allocated"]!);
    }

    [Theory]
    [InlineData("""{"credits":"50"}""")]
    [InlineData("""{"credits":1e400}""")]
    [InlineData("""{"credits":1,"reason":"a\u0000"}""")]
    [InlineData("""{"credits":1,"credits":2}""")]
    public async Task Adding_refuses_what_cannot_be_read(string body)
        => (await api.Operator.PostAsync("/api/credits/teams/any/add", body)).Is(400, "request.malformed");

    [Fact]
    public async Task The_largest_amount_is_exact()
    {
        var team = await api.CreateTeamAsync(0.000001m);
        (await api.Operator.PostAsync($"/api/credits/teams/{team.Id}/add", """{"credits":1000000000}""")).Is(200);
        Assert.Equal("1000000000.000001", (await api.Operator.GetAsync($"/api/credits/teams/{team.Id}/balance"))["credits_remaining"]!.ToJsonString());
    }

    [Fact]
    public async Task An_unknown_team_is_404_and_gets_no_account()
    {
        (await api.Operator.PostAsync("/api/credits/teams/nobody/add", """{"credits":1}""")).Is(404, "team.not_found");
        (await api.Operator.GetAsync("/api/credits/teams/nobody/balance")).Is(404, "team.not_found");
        (await api.Operator.GetAsync("/api/credits/teams/nobody/transactions")).Is(404, "team.not_found");
        (await api.Operator.PostAsync("/api/credits/teams/nobody/check?credits_needed=1")).Is(404, "team.not_found");
        Assert.Equal(0L, await api.ScalarAsync<long>("SELECT count(*) FROM team_credits WHERE team_id = 'nobody'"));
    }

    [Fact]
    public async Task Checking_says_whether_it_would_do()
    {
        var team = await api.CreateTeamAsync(5);
        var client = api.First.As(team.Key);
        Assert.Equal(
            $$"""{"team_id":"{{team.Id}}","has_credits":true,"credits_needed":5,"credits_available":5,"credits_remaining":5}""",
            (await client.PostAsync($"/api/credits/teams/{team.Id}/check?credits_needed=5")).Is(200).Text);
        Assert.False((bool)(await client.PostAsync($"/api/credits/teams/{team.Id}/check?credits_needed=5.000001")).Is(200)["has_credits"]!);
        Assert.Equal(1m, (decimal)(await client.PostAsync($"/api/credits/teams/{team.Id}/check")).Is(200)["credits_needed"]!);
        foreach (var needed in new[] { "-1", "1e400", "x", "0.0000001", "NaN" })
        {
            Assert.Equal(["credits_needed"],
                (await client.PostAsync($"/api/credits/teams/{team.Id}/check?credits_needed={needed}")).Is(422).RefusedFields);
        }
    }

    [Fact]
    public async Task Transactions_page_both_ways_chain_without_a_gap_and_filter()
    {
        var team = await api.CreateTeamAsync(10);
        for (var n = 1; n <= 4; n++)
        {
            (await api.Operator.PostAsync($"/api/credits/teams/{team.Id}/add", $$"""{"credits":{{n}}}""")).Is(200);
        }

        var client = api.First.As(team.Key);
        var path = $"/api/credits/teams/{team.Id}/transactions";
        var newest = (await client.GetAsync($"{path}?limit=2")).Is(200);
        Assert.Equal("5 4", Sequences(newest));
        Assert.Equal("3 2 1", Sequences((await client.GetAsync($"{path}?cursor={(string)newest["next_cursor"]!}")).Is(200)));

        var oldest = (await client.GetAsync($"{path}?sort=sequence")).Is(200)["items"]!.AsArray();
        var before = 0m;
        foreach (var entry in oldest)
        {
            Assert.Equal(before, (decimal)entry!["credits_before"]!);
            before += (decimal)entry["amount"]!;
            Assert.Equal(before, (decimal)entry["credits_after"]!);
        }

        Assert.Equal(20m, before);
        Assert.Equal("1", Sequences((await client.GetAsync($"{path}?kind=allocation")).Is(200)));
        Assert.Equal("", Sequences((await client.GetAsync($"{path}?job_id=019c1b2e-7d00-7000-8000-000000000001")).Is(200)));
        foreach (var (query, field) in new[] { ("kind=x", "kind"), ("job_id=x", "job_id"), ("cursor=YQ", "cursor"), ("sort=amount", "sort") })
        {
            Assert.Equal([field], (await client.GetAsync($"{path}?{query}")).Is(422).RefusedFields);
        }
    }

    [Fact]
    public async Task A_query_cannot_put_another_team_in_the_routes_place()
    {
        var team = await api.CreateTeamAsync(1);
        var other = await api.CreateTeamAsync(2);
        Assert.Equal(team.Id, (string)(await api.First.As(team.Key)
            .GetAsync($"/api/credits/teams/{team.Id}/balance?team_id={other.Id}")).Is(200)["team_id"]!);
        Assert.Equal(team.Id, (string)(await api.Operator.PostAsync(
            $"/api/credits/teams/{team.Id}/add?team_id={other.Id}", $$"""{"team_id":"{{other.Id}}","credits":1}""")).Is(200)["team_id"]!);
    }

    private static string Sequences(ApiAnswer page) => string.Join(" ", page["items"]!.AsArray().Select(item => (long)item!["sequence"]!));
}
