using SaasLlm.Tests.Access;

namespace SaasLlm.Tests.Usage;

/// <summary>What no provider measured, by day.</summary>
[Collection(ApiTests.Name)]
public sealed class UnmeasuredCostsTests(ApiFixture api)
{
    [Fact]
    public async Task Days_add_up_what_is_not_measured_and_nothing_else()
    {
        var team = await api.CreateTeamAsync();
        await AddAsync(team.Id, "2026-01-30T23:59:59Z", "unknown", 0, 0.5m);
        await AddAsync(team.Id, "2026-01-31T00:00:00Z", "counted", 0.25m, 0.75m);
        await AddAsync(team.Id, "2026-01-31T23:59:59Z", "bounded", 0.0000000001m, 1m);
        await AddAsync(team.Id, "2026-01-31T12:00:00Z", "provider", 9, 9);
        await AddAsync(team.Id, "2026-02-01T00:00:00Z", "unknown", 0, 2);

        var first = (await api.Operator.GetAsync($"/api/usage/unmeasured?team_id={team.Id}&limit=2")).Is(200);
        Assert.Equal(
            ApiAnswer.Compact("""
                [{"day":"2026-02-01","attempts":1,"counted":0,"bounded":0,"unknown":1,"cost_low_usd":0,"cost_high_usd":2},
                 {"day":"2026-01-31","attempts":2,"counted":1,"bounded":1,"unknown":0,"cost_low_usd":0.2500000001,"cost_high_usd":1.75}]
                """),
            first["items"]!.ToJsonString());
        var rest = (await api.Operator.GetAsync($"/api/usage/unmeasured?team_id={team.Id}&limit=2&cursor={(string)first["next_cursor"]!}")).Is(200);
        Assert.Equal(("2026-01-30", null), ((string)Assert.Single(rest["items"]!.AsArray())!["day"]!, (string?)rest["next_cursor"]));

        Assert.Equal(["2026-01-30", "2026-02-01"], await DaysAsync($"team_id={team.Id}&sort=day&usage_source=unknown"));
        Assert.Equal(["2026-01-31"], await DaysAsync($"team_id={team.Id}&from=2026-01-31&until=2026-01-31"));
        (await api.Operator.GetAsync("/api/usage/unmeasured?from=2026-02-30")).Is(422);
        (await api.First.As(team.Key).GetAsync("/api/usage/unmeasured")).Is(403);
    }

    private async Task<string[]> DaysAsync(string query)
        => [.. (await api.Operator.GetAsync($"/api/usage/unmeasured?{query}")).Is(200)["items"]!.AsArray().Select(day => (string)day!["day"]!)];

    private async Task AddAsync(string team, string endedAt, string source, decimal low, decimal high)
    {
        await using var command = api.Database.CreateCommand("""
            INSERT INTO llm_attempts (team_id, attempt_id, call_id, job_id, attempt_number, model_name, status, deadline_at, started_at, ended_at,
                                      usage_source, cost_low_usd, cost_high_usd)
            VALUES ($1, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 1, 'm', 'failed', $2, $2, $2, $3, $4, $5)
            """);
        foreach (var value in new object[] { team, DateTimeOffset.Parse(endedAt, System.Globalization.CultureInfo.InvariantCulture), source, low, high })
        {
            command.Parameters.Add(new() { Value = value });
        }

        await command.ExecuteNonQueryAsync();
    }
}
