using SaasLlm.Tests.Access;

namespace SaasLlm.Tests.Credits;

[Collection(ApiTests.Name)]
public sealed class CorrectionEndpointTests(ApiFixture api)
{
    [Fact]
    public async Task A_refund_goes_back_in_parts_to_the_lot_that_was_burned()
    {
        var team = await api.CreateTeamAsync(10);
        (await api.Operator.PatchAsync($"/api/credits/teams/{team.Id}/budget-mode", """{"credits_per_job":4}""")).Is(200);
        var own = api.First.As(team.Key);
        var job = await own.CompleteJobAsync();
        var path = $"/api/credits/teams/{team.Id}/refund";
        var part = (await api.Operator.PostAsync(path, $$"""{"job_id":"{{job}}","credits":1.5,"reason":"Half was unreadable"}""")).Is(200);
        Assert.Equal((team.Id, job, 1.5m), ((string)part["team_id"]!, (string)part["job_id"]!, (decimal)part["credits_refunded"]!));
        var entry = new ApiAnswer(200, part["transaction"]!.ToJsonString());
        Assert.Equal(
            $$"""{"sequence":3,"type":"refund","amount":1.5,"credits_before":6,"credits_after":7.5,"job_id":"{{job}}","reason":"Half was unreadable"}""",
            entry.Without("transaction_id", "created_at", "lots"));

        var tooMuch = (await api.Operator.PostAsync(path, $$"""{"job_id":"{{job}}","credits":2.500001}""")).Is(409, "credits.refund_exceeds_charge");
        Assert.Equal(2.5m, (decimal)tooMuch["refundable"]!);
        Assert.Equal(2.5m, (decimal)(await api.Operator.PostAsync(path, $$"""{"job_id":"{{job}}"}""")).Is(200)["credits_refunded"]!);
        (await api.Operator.PostAsync(path, $$"""{"job_id":"{{job}}"}""")).Is(409, "credits.refund_exceeds_charge");

        var balance = await api.BalanceAsync(team);
        Assert.Equal((10m, 0m, 10m), ((decimal)balance["credits_allocated"]!, (decimal)balance["credits_used"]!, (decimal)balance["credits_available"]!));
        var shown = (await own.GetAsync($"/api/jobs/{job}")).Is(200);
        Assert.Equal((4m, 4m, true), ((decimal)shown["credits_charged"]!, (decimal)shown["refunded_credits"]!, (bool)shown["credit_applied"]!));
        Assert.Equal(3, (await own.GetAsync($"/api/credits/teams/{team.Id}/transactions?job_id={job}")).Is(200)["items"]!.AsArray().Count);
    }

    [Fact]
    public async Task A_refund_of_a_foreign_an_unknown_or_an_uncharged_job_is_refused()
    {
        var (team, other) = (await api.CreateTeamAsync(5), await api.CreateTeamAsync(5));
        var foreign = await api.First.As(other.Key).CompleteJobAsync();
        var open = await api.First.As(team.Key).OpenJobAsync();
        var path = $"/api/credits/teams/{team.Id}/refund";
        (await api.Operator.PostAsync(path, $$"""{"job_id":"{{foreign}}"}""")).Is(404, "job.not_found");
        (await api.Operator.PostAsync(path, """{"job_id":"019c1b2e-7d00-7000-8000-000000000001"}""")).Is(404, "job.not_found");
        (await api.Operator.PostAsync("/api/credits/teams/nobody/refund", $$"""{"job_id":"{{foreign}}"}""")).Is(404, "job.not_found");
        (await api.Operator.PostAsync(path, $$"""{"job_id":"{{open}}"}""")).Is(409, "credits.not_charged");
        Assert.Equal(4m, (decimal)(await api.BalanceAsync(other))["credits_remaining"]!);
    }

    [Fact]
    public async Task A_negative_adjustment_never_takes_what_jobs_hold()
    {
        var team = await api.CreateTeamAsync(10);
        await api.First.As(team.Key).OpenJobAsync();
        var path = $"/api/credits/teams/{team.Id}/adjust";
        var held = (await api.Operator.PostAsync(path, """{"credits":-9.000001,"reason":"Too much"}""")).Is(409, "credits.held");
        Assert.Equal((9m, 1m), ((decimal)held["available"]!, (decimal)held["held"]!));
        var taken = (await api.Operator.PostAsync(path, """{"credits":-9,"reason":"Granted twice"}""")).Is(200);
        Assert.Equal((team.Id, -9m), ((string)taken["team_id"]!, (decimal)taken["credits_adjusted"]!));
        var entry = new ApiAnswer(200, taken["transaction"]!.ToJsonString());
        Assert.Equal(
            """{"sequence":2,"type":"adjustment","amount":-9,"credits_before":10,"credits_after":1,"job_id":null,"reason":"Granted twice"}""",
            entry.Without("transaction_id", "created_at", "lots"));
        var balance = await api.BalanceAsync(team);
        Assert.Equal((1m, 1m, 0m), ((decimal)balance["credits_allocated"]!, (decimal)balance["credits_held"]!, (decimal)balance["credits_available"]!));
    }

    [Fact]
    public async Task A_positive_adjustment_is_a_lot_that_never_expires()
    {
        var team = await api.CreateTeamAsync(0);
        (await api.Operator.PostAsync($"/api/credits/teams/{team.Id}/adjust", """{"credits":2.5,"reason":"Goodwill"}""")).Is(200);
        var lot = (await api.Operator.GetAsync($"/api/credits/teams/{team.Id}/lots")).Is(200)["items"]!.AsArray().Single()!;
        Assert.Equal(("adjustment", 2.5m, null), ((string)lot["source"]!, (decimal)lot["available"]!, lot["expires_at"]));
    }

    [Theory]
    [InlineData("refund", """{"credits":3}""")]
    [InlineData("adjust", """{"credits":-3,"reason":"Once"}""")]
    [InlineData("adjust", """{"credits":3,"reason":"Once"}""")]
    public async Task A_repeat_with_the_key_moves_credits_once(string route, string body)
    {
        var team = await api.CreateTeamAsync(10);
        (await api.Operator.PatchAsync($"/api/credits/teams/{team.Id}/budget-mode", """{"credits_per_job":7}""")).Is(200);
        var job = await api.First.As(team.Key).CompleteJobAsync();
        body = route == "refund" ? body.Replace("{", $$"""{"job_id":"{{job}}",""", StringComparison.Ordinal) : body;
        var (path, key) = ($"/api/credits/teams/{team.Id}/{route}", ApiFixture.Unique("key"));
        var answers = await Task.WhenAll(api.First.Operator.PostOnceAsync(path, body, key), api.Second.Operator.PostOnceAsync(path, body, key));
        Assert.Equal(answers[0].Is(200).Text, answers[1].Is(200).Text);
        Assert.Equal(body.Contains('-', StringComparison.Ordinal) && route == "adjust" ? 0m : 6m, (decimal)(await api.BalanceAsync(team))["credits_remaining"]!);
    }

    [Theory]
    [InlineData("refund", """{}""", "job_id")]
    [InlineData("refund", """{"job_id":"019c1b2e-7d00-7000-8000-000000000001","credits":0}""", "credits")]
    [InlineData("refund", """{"job_id":"019c1b2e-7d00-7000-8000-000000000001","credits":-1}""", "credits")]
    [InlineData("refund", """{"job_id":"019c1b2e-7d00-7000-8000-000000000001","credits":0.0000001}""", "credits")]
    [InlineData("refund", """{"job_id":"019c1b2e-7d00-7000-8000-000000000001","reason":""}""", "reason")]
    [InlineData("adjust", """{"reason":"R"}""", "credits")]
    [InlineData("adjust", """{"credits":0,"reason":"R"}""", "credits")]
    [InlineData("adjust", """{"credits":-0.0000001,"reason":"R"}""", "credits")]
    [InlineData("adjust", """{"credits":-1000000001,"reason":"R"}""", "credits")]
    [InlineData("adjust", """{"credits":1}""", "reason")]
    [InlineData("adjust", """{"credits":1,"reason":" "}""", "reason")]
    public async Task Refuses_what_is_not_valid(string route, string body, string field)
        => Assert.Equal([field], (await api.Operator.PostAsync($"/api/credits/teams/any/{route}", body)).Is(422, "request.invalid").RefusedFields);

    [Fact]
    public async Task Both_are_the_operators_alone()
    {
        var team = await api.CreateTeamAsync(5);
        var own = api.First.As(team.Key);
        var job = await own.CompleteJobAsync();
        (await own.PostAsync($"/api/credits/teams/{team.Id}/refund", $$"""{"job_id":"{{job}}"}""")).Is(403, "access.forbidden");
        (await own.PostAsync($"/api/credits/teams/{team.Id}/adjust", """{"credits":5,"reason":"Mine"}""")).Is(403, "access.forbidden");
        (await api.Operator.PostAsync("/api/credits/teams/nobody/adjust", """{"credits":5,"reason":"R"}""")).Is(404, "team.not_found");
        (await api.Operator.PostAsync("/api/credits/teams/nobody/adjust", """{"credits":-5,"reason":"R"}""")).Is(404, "team.not_found");
        Assert.Equal(4m, (decimal)(await api.BalanceAsync(team))["credits_remaining"]!);
    }
}
