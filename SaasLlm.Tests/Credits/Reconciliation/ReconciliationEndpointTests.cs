using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using SaasLlm.Core.Credits.Reconciliation;
using SaasLlm.Tests.Access;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.Credits.Reconciliation;

[Collection(ApiTests.Name)]
public sealed class ReconciliationEndpointTests(ApiFixture api)
{
    private const string Report = "/api/admin/reconciliation";
    private const string Run = "/api/admin/reconciliation/run";

    [Fact]
    public async Task A_run_is_asked_for_done_by_the_job_runner_and_reported()
    {
        await api.CreateTeamAsync(5);
        await FinishAsync();
        var asked = (await api.Operator.PostAsync(Run)).Is(202)["run"]!;
        Assert.Equal("waiting", (string)asked["status"]!);
        // While it is open, another is not begun.
        Assert.Equal((string)asked["run_id"]!, (string)(await api.Second.Operator.PostAsync(Run)).Is(202)["run"]!["run_id"]!);
        Assert.Equal((string)asked["run_id"]!, (string)(await api.Operator.GetAsync(Report)).Is(200)["current_run"]!["run_id"]!);

        await FinishAsync();

        var report = (await api.Operator.GetAsync(Report)).Is(200);
        Assert.Null(report["current_run"]);
        var last = report["last_run"]!;
        Assert.Equal(((string)asked["run_id"]!, "finished"), ((string)last["run_id"]!, (string)last["status"]!));
        var teams = await api.ScalarAsync<long>("SELECT count(*) FROM team_credits");
        Assert.Equal((teams, teams), ((long)report["teams_total"]!, (long)last["teams_checked"]!));
        Assert.True((DateTimeOffset)last["finished_at"]! >= (DateTimeOffset)last["started_at"]!);
        Assert.Equal(await api.ScalarAsync<long>("SELECT count(*) FROM reconciliation_differences"), (long)last["differences"]!);
    }

    [Fact]
    public async Task A_run_that_was_asked_for_with_a_key_is_asked_for_once()
    {
        await FinishAsync();
        var key = Guid.NewGuid().ToString();
        var first = (await api.Operator.PostOnceAsync(Run, null, key)).Is(202);
        await FinishAsync();

        Assert.Equal(first.Text, (await api.Operator.PostOnceAsync(Run, null, key)).Is(202).Text);
        Assert.Null((await api.Operator.GetAsync(Report)).Is(200)["current_run"]);
    }

    [Fact]
    public async Task A_team_is_checked_at_once_and_its_differences_stand_in_the_report()
    {
        var team = await api.CreateTeamAsync(5);
        var path = $"{Run}?team_id={team.Id}";
        var first = "";
        // The product gives Redis a quarter of a second, and says so where that was not enough.
        await Eventually.IsSoAsync(
            async () => !(first = (await api.Operator.PostAsync(path)).Is(200)["team"]!.ToJsonString()).Contains("\"redis_answered\":false", StringComparison.Ordinal),
            () => "Redis did not answer");
        Assert.Equal(
            $$"""{"team_id":"{{team.Id}}","differences":[],"redis_differences":[],"redis_balances_seeded":0,"redis_holds_removed":0,"redis_answered":true}""",
            first);
        Assert.Empty(await StandingAsync($"team_id={team.Id}"));

        await ExecuteAsync($"UPDATE team_credits SET month_used = 3, last_sequence = 7 WHERE team_id = '{team.Id}'");
        var report = (await api.Operator.PostAsync(path)).Is(200)["team"]!;
        Assert.Equal(
            """[{"kind":"last_sequence","subject":"","expected":1,"found":7},{"kind":"month_used","subject":"","expected":0,"found":3}]""",
            new JsonArray([.. report["differences"]!.AsArray().OrderBy(one => (string)one!["kind"]!).Select(one => one!.DeepClone())]).ToJsonString());

        Assert.Equal(["last_sequence", "month_used"], (await StandingAsync($"team_id={team.Id}")).Order());
        Assert.Equal(["month_used"], await StandingAsync($"team_id={team.Id}&kind=month_used"));
        await ExecuteAsync($"UPDATE team_credits SET month_used = 0, last_sequence = 1 WHERE team_id = '{team.Id}'");
        (await api.Operator.PostAsync(path)).Is(200);
        Assert.Empty(await StandingAsync($"team_id={team.Id}"));
    }

    [Fact]
    public async Task Differences_page_both_ways()
    {
        await ExecuteAsync("DELETE FROM reconciliation_differences");
        for (var n = 1; n <= 5; n++)
        {
            await ExecuteAsync($"""
                INSERT INTO reconciliation_differences (difference_id, team_id, kind, subject, expected, found)
                VALUES ('{Guid.CreateVersion7()}', 'paged', 'chain', '{n}', 1, 2)
                """);
            await Task.Delay(2);
        }

        var newest = (await api.Operator.GetAsync($"{Report}?limit=2")).Is(200);
        Assert.Equal(5, (long)newest["standing_differences"]!);
        Assert.Equal("5 4", Subjects(newest));
        var cursor = (string)newest["differences"]!["next_cursor"]!;
        Assert.Equal("3 2 1", Subjects((await api.Operator.GetAsync($"{Report}?cursor={cursor}")).Is(200)));
        Assert.Equal("1 2 3 4 5", Subjects((await api.Operator.GetAsync($"{Report}?sort=first_seen")).Is(200)));
        await ExecuteAsync("DELETE FROM reconciliation_differences");
    }

    [Theory]
    [InlineData("GET", "?kind=redis_behind", "kind")]
    [InlineData("GET", "?cursor=YQ", "cursor")]
    [InlineData("GET", "?limit=0", "limit")]
    [InlineData("GET", "?sort=team_id", "sort")]
    [InlineData("GET", "?team_id=a%20b", "team_id")]
    [InlineData("POST", "/run?team_id=a%20b", "team_id")]
    public async Task What_is_not_valid_is_refused(string method, string query, string field)
        => Assert.Equal([field], (await api.Operator.SendAsync(new(method), Report + query)).Is(422, "request.invalid").RefusedFields);

    [Fact]
    public async Task An_unknown_team_is_404_and_a_team_may_not_ask()
    {
        (await api.Operator.PostAsync($"{Run}?team_id=nobody")).Is(404, "team.not_found");
        var team = await api.CreateTeamAsync(1);
        (await api.First.As(team.Key).GetAsync(Report)).Is(403, "access.forbidden");
        (await api.First.As(team.Key).PostAsync($"{Run}?team_id={team.Id}")).Is(403, "access.forbidden");
    }

    private static string Subjects(ApiAnswer report)
        => string.Join(' ', report["differences"]!["items"]!.AsArray().Select(one => (string)one!["subject"]!));

    private async Task<string[]> StandingAsync(string query)
        => [.. (await api.Operator.GetAsync($"{Report}?{query}")).Is(200)["differences"]!["items"]!.AsArray().Select(one => (string)one!["kind"]!)];

    // What JobRunner does, until the open run is over.
    private async Task FinishAsync()
    {
        var services = api.First.Services;
        var pass = ActivatorUtilities.CreateInstance<ReconciliationPass>(
            services, services.GetRequiredService<NpgsqlDataSource>(), NullLogger<ReconciliationPass>.Instance);
        while (await pass.RunAsync(default))
        {
        }
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var command = api.Database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }
}
