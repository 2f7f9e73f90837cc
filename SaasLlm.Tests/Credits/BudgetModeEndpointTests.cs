using System.Text.Json.Nodes;
using SaasLlm.Tests.Access;

namespace SaasLlm.Tests.Credits;

[Collection(ApiTests.Name)]
public sealed class BudgetModeEndpointTests(ApiFixture api)
{
    private static readonly string[] s_terms =
        ["budget_mode", "credits_per_job", "credits_per_dollar", "tokens_per_credit", "credit_increment", "markup_percent", "credit_limit"];

    [Fact]
    public async Task Sets_what_is_named_and_answers_the_balance()
    {
        var team = await api.CreateTeamAsync(100);
        var path = $"/api/credits/teams/{team.Id}/budget-mode";
        var set = (await api.Operator.PatchAsync(path, """
            {"budget_mode":"consumption_usd","credits_per_job":2.5,"credits_per_dollar":20,"tokens_per_credit":500,
             "credit_increment":0.1,"markup_percent":12.5,"credit_limit":50}
            """)).Is(200);
        Assert.Equal("consumption_usd 2.5 20 500 0.1 12.5 50", Terms(set));
        Assert.Equal(set.Text, (await api.BalanceAsync(team)).Is(200).Text);
        Assert.Equal("consumption_usd 2.5 20 500 0.1 0 50", Terms((await api.Operator.PatchAsync(path, """{"markup_percent":0}""")).Is(200)));
        Assert.Equal("job_based 0 20 500 0.1 0 50",
            Terms((await api.Operator.PatchAsync(path, """{"budget_mode":"job_based","credits_per_job":0,"markup_percent":null}""")).Is(200)));
        Assert.Equal("job_based 0 20 500 0.1 0 50", Terms((await api.Operator.PatchAsync(path, "{}")).Is(200)));
        Assert.Equal("job_based 0 20 500 0.1 0 null", Terms((await api.Operator.PatchAsync(path, """{"credit_limit":null}""")).Is(200)));
        Assert.Equal("job_based 0 20 500 0.1 0 0", Terms((await api.Operator.PatchAsync(path, """{"credit_limit":0}""")).Is(200)));
    }

    // Two operators at once: each changes another member, and neither undoes the other's.
    [Fact]
    public async Task Changes_at_the_same_time_do_not_undo_each_other()
    {
        var team = await api.CreateTeamAsync(1);
        var path = $"/api/credits/teams/{team.Id}/budget-mode";
        for (var n = 1; n <= 20; n++)
        {
            var answers = await Task.WhenAll(
                api.First.Operator.PatchAsync(path, $$"""{"credits_per_job":{{n}}}"""),
                api.Second.Operator.PatchAsync(path, $$"""{"tokens_per_credit":{{n}}}"""),
                api.Second.Operator.PatchAsync(path, $$"""{"credit_limit":{{n}}}"""));
            Assert.All(answers, answer => answer.Is(200));
            Assert.Equal($"job_based {n} 10 {n} 1 0 {n}", Terms(await api.BalanceAsync(team)));
        }
    }

    [Fact]
    public async Task The_next_job_is_charged_by_the_new_terms_and_an_open_one_is_not()
    {
        var team = await api.CreateTeamAsync(10);
        var client = api.First.As(team.Key);
        var open = await client.OpenJobAsync();
        (await api.Operator.PatchAsync($"/api/credits/teams/{team.Id}/budget-mode", """{"credits_per_job":4}""")).Is(200);
        var next = (await client.PostAsync("/api/jobs/create", """{"job_type":"test"}""")).Is(200);
        Assert.Equal(4m, (decimal)next["credits_held"]!);
        (await client.PostAsync($"/api/jobs/{open}/complete", """{"status":"completed"}""")).Is(200);
        Assert.Equal((1m, 4m), ((decimal)(await api.BalanceAsync(team))["credits_used"]!, (decimal)(await api.BalanceAsync(team))["credits_held"]!));
    }

    [Fact]
    public async Task The_limit_counts_this_months_use_and_the_balance_shows_it()
    {
        var team = await api.CreateTeamAsync(100);
        var client = api.First.As(team.Key);
        (await api.Operator.PatchAsync($"/api/credits/teams/{team.Id}/budget-mode", """{"credit_limit":2}""")).Is(200);
        var job = await client.CompleteJobAsync();
        await client.OpenJobAsync();
        var refused = (await client.PostAsync("/api/jobs/create", """{"job_type":"test"}""")).Is(402, "credits.limit");
        Assert.Equal((2m, 1m), ((decimal)refused["credit_limit"]!, (decimal)refused["month_used"]!));
        var balance = (await client.GetAsync($"/api/credits/teams/{team.Id}/balance")).Is(200);
        Assert.Equal((2m, 1m), ((decimal)balance["credit_limit"]!, (decimal)balance["month_used"]!));
        (await api.Operator.PostAsync($"/api/credits/teams/{team.Id}/refund", $$"""{"job_id":"{{job}}"}""")).Is(200);
        Assert.Equal(0m, (decimal)(await api.BalanceAsync(team))["month_used"]!);
        await client.OpenJobAsync();
    }

    [Fact]
    public async Task Another_months_use_is_not_this_months()
    {
        var team = await api.CreateTeamAsync(100);
        await api.First.As(team.Key).CompleteJobAsync();
        await api.ScalarAsync<int>("UPDATE team_credits SET month_start = month_start - interval '1 month' WHERE team_id = $1 RETURNING 1", team.Id);
        Assert.Equal(0m, (decimal)(await api.BalanceAsync(team))["month_used"]!);
    }

    [Fact]
    public async Task The_markup_is_the_operators_to_know()
    {
        var team = await api.CreateTeamAsync(1);
        (await api.Operator.PatchAsync($"/api/credits/teams/{team.Id}/budget-mode", """{"markup_percent":35}""")).Is(200);
        var own = (await api.First.As(team.Key).GetAsync($"/api/credits/teams/{team.Id}/balance")).Is(200);
        Assert.DoesNotContain("markup", own.Text, StringComparison.Ordinal);
        Assert.Equal(35m, (decimal)(await api.BalanceAsync(team))["markup_percent"]!);
    }

    [Theory]
    [InlineData("""{"budget_mode":"free"}""", "budget_mode")]
    [InlineData("""{"credits_per_job":-1}""", "credits_per_job")]
    [InlineData("""{"credits_per_dollar":0}""", "credits_per_dollar")]
    [InlineData("""{"credits_per_dollar":1000001}""", "credits_per_dollar")]
    [InlineData("""{"tokens_per_credit":0}""", "tokens_per_credit")]
    [InlineData("""{"credit_increment":0}""", "credit_increment")]
    [InlineData("""{"credit_increment":0.0000001}""", "credit_increment")]
    [InlineData("""{"markup_percent":-1}""", "markup_percent")]
    [InlineData("""{"markup_percent":0.00001}""", "markup_percent")]
    [InlineData("""{"credit_limit":-1}""", "credit_limit")]
    [InlineData("""{"credit_limit":0.0000001}""", "credit_limit")]
    public async Task Refuses_what_is_not_valid_and_changes_nothing(string body, string field)
    {
        var team = await api.CreateTeamAsync(1);
        Assert.Equal([field], (await api.Operator.PatchAsync($"/api/credits/teams/{team.Id}/budget-mode", body)).Is(422, "request.invalid").RefusedFields);
        Assert.Equal("job_based 1 10 10000 1 0 null", Terms(await api.BalanceAsync(team)));
    }

    [Fact]
    public async Task Is_the_operators_alone_and_needs_a_team()
    {
        var team = await api.CreateTeamAsync(1);
        (await api.First.As(team.Key).PatchAsync($"/api/credits/teams/{team.Id}/budget-mode", """{"credits_per_job":0}""")).Is(403, "access.forbidden");
        (await api.Operator.PatchAsync("/api/credits/teams/nobody/budget-mode", """{"credits_per_job":0}""")).Is(404, "team.not_found");
        Assert.Equal(["credit_limit"],
            (await api.Operator.PatchAsync($"/api/credits/teams/{team.Id}/budget-mode", """{"credit_limit":"5"}""")).Is(400, "request.malformed").RefusedFields);
    }

    private static string Terms(ApiAnswer balance) => string.Join(" ", s_terms.Select(name => balance[name] switch
    {
        null => "null",
        JsonValue value => value.ToString(),
        var other => other.ToJsonString(),
    }));
}
