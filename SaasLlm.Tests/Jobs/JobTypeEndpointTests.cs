using SaasLlm.Tests.Access;

namespace SaasLlm.Tests.Jobs;

[Collection(ApiTests.Name)]
public sealed class JobTypeEndpointTests(ApiFixture api)
{
    [Fact]
    public async Task Creates_reads_and_deletes_a_type()
    {
        var name = ApiFixture.Unique("type");
        var created = (await api.Operator.PostAsync("/api/job-types/create", $$"""
            {"name":"{{name}}","description":"Reads a resume","price":2.5,"lifetime_seconds":900,"max_calls":20,"max_cost_usd":0.5}
            """)).Is(200);
        Assert.Equal(
            $$"""{"name":"{{name}}","description":"Reads a resume","price":2.5,"lifetime_seconds":900,"max_calls":20,"max_cost_usd":0.5}""",
            created.Without("created_at", "updated_at"));
        Assert.Equal(created.Text, (await api.Operator.GetAsync($"/api/job-types/{name}")).Is(200).Text);
        (await api.Operator.PostAsync("/api/job-types/create", $$"""{"name":"{{name}}"}""")).Is(409, "job_type.exists");
        (await api.Operator.DeleteAsync($"/api/job-types/{name}")).Is(204);
        (await api.Operator.GetAsync($"/api/job-types/{name}")).Is(404, "job_type.not_found");
        (await api.Operator.DeleteAsync($"/api/job-types/{name}")).Is(404, "job_type.not_found");
        (await api.Operator.PutAsync($"/api/job-types/{name}", "{}")).Is(404, "job_type.not_found");
    }

    [Fact]
    public async Task A_repeat_with_the_key_answers_as_the_first_and_makes_one()
    {
        var (name, key) = (ApiFixture.Unique("type"), ApiFixture.Unique("key"));
        var first = (await api.Operator.PostOnceAsync("/api/job-types/create", $$"""{"name":"{{name}}","price":2}""", key)).Is(200);
        var second = (await api.Second.Operator.PostOnceAsync("/api/job-types/create", $$"""{"name":"{{name}}","price":2}""", key)).Is(200);
        Assert.Equal((first.Text, "true"), (second.Text, second.Replayed));
    }

    [Fact]
    public async Task What_is_left_out_stays_and_null_is_as_for_all()
    {
        var name = ApiFixture.Unique("type");
        (await api.Operator.PostAsync("/api/job-types/create", $$"""{"name":"{{name}}","description":"D","price":2,"max_calls":5,"max_cost_usd":1}""")).Is(200);
        var changed = (await api.Operator.PutAsync($"/api/job-types/{name}", """{"price":null,"lifetime_seconds":60,"max_cost_usd":0.25}""")).Is(200);
        Assert.Equal(
            $$"""{"name":"{{name}}","description":"D","price":null,"lifetime_seconds":60,"max_calls":5,"max_cost_usd":0.25}""",
            changed.Without("created_at", "updated_at"));
        var same = (await api.Operator.PutAsync($"/api/job-types/{name}", """{"description":null}""")).Is(200);
        Assert.Equal(changed.Without("updated_at"), same.Without("updated_at"));
        var none = (await api.Operator.PutAsync($"/api/job-types/{name}", """{"lifetime_seconds":null,"max_calls":null,"max_cost_usd":null}""")).Is(200);
        Assert.Equal(
            $$"""{"name":"{{name}}","description":"D","price":null,"lifetime_seconds":null,"max_calls":null,"max_cost_usd":null}""",
            none.Without("created_at", "updated_at"));
    }

    [Theory]
    [InlineData("""{}""", "name")]
    [InlineData("""{"name":"a/b"}""", "name")]
    [InlineData("""{"name":"a","price":-1}""", "price")]
    [InlineData("""{"name":"a","price":0.0000001}""", "price")]
    [InlineData("""{"name":"a","price":1000000001}""", "price")]
    [InlineData("""{"name":"a","lifetime_seconds":0}""", "lifetime_seconds")]
    [InlineData("""{"name":"a","lifetime_seconds":2592001}""", "lifetime_seconds")]
    [InlineData("""{"name":"a","max_calls":0}""", "max_calls")]
    [InlineData("""{"name":"a","max_cost_usd":0}""", "max_cost_usd")]
    [InlineData("""{"name":"a","max_cost_usd":0.00000000001}""", "max_cost_usd")]
    public async Task Refuses_what_is_not_valid_when_made_and_when_changed(string body, string field)
    {
        Assert.Equal([field], (await api.Operator.PostAsync("/api/job-types/create", body)).Is(422, "request.invalid").RefusedFields);
        if (field != "name")
        {
            Assert.Equal([field], (await api.Operator.PutAsync("/api/job-types/any", body)).Is(422, "request.invalid").RefusedFields);
        }
    }

    [Theory]
    [InlineData("""{"price":"1"}""", "price")]
    [InlineData("""{"max_calls":1.5}""", "max_calls")]
    [InlineData("""{"lifetime_seconds":{}}""", "lifetime_seconds")]
    public async Task What_cannot_be_read_names_its_field(string body, string field)
        => Assert.Equal([field], (await api.Operator.PutAsync("/api/job-types/any", body)).Is(400, "request.malformed").RefusedFields);

    [Fact]
    public async Task A_team_reads_types_and_changes_none()
    {
        var team = api.First.As((await api.CreateTeamAsync()).Key);
        var name = ApiFixture.Unique("type");
        (await api.Operator.PostAsync("/api/job-types/create", $$"""{"name":"{{name}}"}""")).Is(200);
        Assert.Equal(name, (string)(await team.GetAsync($"/api/job-types/{name}")).Is(200)["name"]!);
        (await team.PostAsync("/api/job-types/create", """{"name":"mine"}""")).Is(403, "access.forbidden");
        (await team.PutAsync($"/api/job-types/{name}", """{"price":0}""")).Is(403, "access.forbidden");
        (await team.DeleteAsync($"/api/job-types/{name}")).Is(403, "access.forbidden");
    }

    [Fact]
    public async Task Lists_page_by_name()
    {
        var prefix = ApiFixture.Unique("zz");
        foreach (var letter in new[] { "b", "a", "c" })
        {
            (await api.Operator.PostAsync("/api/job-types/create", $$"""{"name":"{{prefix}}{{letter}}"}""")).Is(200);
        }

        var first = (await api.Operator.GetAsync("/api/job-types?sort=-name&limit=2")).Is(200);
        Assert.Equal([$"{prefix}c", $"{prefix}b"], Names(first));
        var rest = (await api.Operator.GetAsync($"/api/job-types?sort=-name&limit=1&cursor={(string)first["next_cursor"]!}")).Is(200);
        Assert.Equal([$"{prefix}a"], Names(rest));
        Assert.Equal(["sort"], (await api.Operator.GetAsync("/api/job-types?sort=price")).Is(422).RefusedFields);

        static string[] Names(ApiAnswer page) => [.. page["items"]!.AsArray().Select(item => (string)item!["name"]!)];
    }

    [Fact]
    public async Task A_job_opens_with_its_types_price_deadline_and_limits_and_keeps_them()
    {
        var team = await api.CreateTeamAsync(10);
        var client = api.First.As(team.Key);
        var name = ApiFixture.Unique("type");
        (await api.Operator.PostAsync("/api/job-types/create", $$"""
            {"name":"{{name}}","price":2.5,"lifetime_seconds":900,"max_calls":3,"max_cost_usd":0.5}
            """)).Is(200);
        var job = (await client.PostAsync("/api/jobs/create", $$"""{"job_type":"{{name}}"}""")).Is(200);
        Assert.Equal(2.5m, (decimal)job["credits_held"]!);
        Assert.Equal(TimeSpan.FromMinutes(15), (DateTimeOffset)job["deadline_at"]! - (DateTimeOffset)job["created_at"]!);

        (await api.Operator.PutAsync($"/api/job-types/{name}", """{"price":9,"max_calls":1}""")).Is(200);
        Assert.Equal(
            """{"budget_mode":"job_based","price":2.5,"credits_per_dollar":10,"tokens_per_credit":10000,"credit_increment":1,"markup_percent":0,"max_calls":3,"max_cost_usd":0.5}""",
            (await api.Operator.GetAsync($"/api/jobs/{(string)job["job_id"]!}/costs")).Is(200)["terms"]!.ToJsonString());
        var ended = (await client.PostAsync($"/api/jobs/{(string)job["job_id"]!}/complete", """{"status":"completed"}""")).Is(200);
        Assert.Equal((2.5m, 7.5m), ((decimal)ended["costs"]!["credits_charged"]!, (decimal)ended["costs"]!["credits_remaining"]!));

        var dear = (await client.PostAsync("/api/jobs/create", $$"""{"job_type":"{{name}}"}""")).Is(402, "credits.insufficient");
        Assert.Equal((9m, 7.5m), ((decimal)dear["needed"]!, (decimal)dear["available"]!));
    }

    [Fact]
    public async Task A_type_that_nobody_made_gets_what_all_get()
    {
        var team = await api.CreateTeamAsync(10);
        var job = (await api.First.As(team.Key).PostAsync("/api/jobs/create", """{"job_type":"nobody-made-this"}""")).Is(200);
        Assert.Equal(1m, (decimal)job["credits_held"]!);
        Assert.Equal(TimeSpan.FromHours(1), (DateTimeOffset)job["deadline_at"]! - (DateTimeOffset)job["created_at"]!);
        var terms = (await api.Operator.GetAsync($"/api/jobs/{(string)job["job_id"]!}/costs")).Is(200)["terms"]!;
        Assert.Equal((100, null), ((int)terms["max_calls"]!, terms["max_cost_usd"]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_change_is_obeyed_by_another_replica_within_a_second_also_without_redis(bool withoutRedis)
    {
        var team = await api.CreateTeamAsync(100_000);
        var other = api.Second.As(team.Key);
        var name = ApiFixture.Unique("type");
        Assert.Equal(1m, await HeldAsync());
        await api.WaitForFeedsAsync();
        if (withoutRedis)
        {
            api.FirstRedis.Cut();
            api.SecondRedis.Cut();
        }

        try
        {
            (await api.Operator.PostAsync("/api/job-types/create", $$"""{"name":"{{name}}","price":3}""")).Is(200);
            await ApiFixture.SpreadsAsync(async () => await HeldAsync() == 3);
            (await api.Operator.PutAsync($"/api/job-types/{name}", """{"price":4}""")).Is(200);
            await ApiFixture.SpreadsAsync(async () => await HeldAsync() == 4);
            (await api.Operator.DeleteAsync($"/api/job-types/{name}")).Is(204);
            await ApiFixture.SpreadsAsync(async () => await HeldAsync() == 1);
        }
        finally
        {
            api.FirstRedis.Mend();
            api.SecondRedis.Mend();
            await api.WaitForFeedsAsync();
        }

        async Task<decimal> HeldAsync() => (decimal)(await other.PostAsync("/api/jobs/create", $$"""{"job_type":"{{name}}"}""")).Is(200)["credits_held"]!;
    }
}
