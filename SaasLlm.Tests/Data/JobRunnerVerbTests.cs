using System.Diagnostics;
using Npgsql;
using SaasLlm.Tests.Credits;

namespace SaasLlm.Tests.Data;

/// <summary>JobRunner's verbs, as processes: what starts after them believes their exit codes.</summary>
public sealed class JobRunnerVerbTests(LedgerStores stores) : IClassFixture<LedgerStores>
{
    [Fact]
    public async Task Migrate_makes_the_missing_databases_and_ends_with_zero()
    {
        var (ours, litellm) = (Named($"verb_{Guid.NewGuid():N}"), Named($"verb_{Guid.NewGuid():N}"));

        var (code, output) = await RunAsync(["migrate"], ours, litellm);

        Assert.True(code == 0, output);
        await using var source = NpgsqlDataSource.Create(ours);
        await using var tables = source.CreateCommand("SELECT count(*) FROM jobs");
        Assert.Equal(0L, await tables.ExecuteScalarAsync());
        await using var other = NpgsqlDataSource.Create(litellm);
        await using var there = other.CreateCommand("SELECT 1");
        Assert.Equal(1, await there.ExecuteScalarAsync());
    }

    [Fact]
    public async Task A_failed_migration_ends_with_one_and_says_why()
    {
        var (code, output) = await RunAsync(["migrate"], new NpgsqlConnectionStringBuilder(stores.Postgres) { Username = "nobody", Password = "wrong" }.ConnectionString);

        Assert.Equal(1, code);
        Assert.Contains("The migration failed", output, StringComparison.Ordinal);
        Assert.Contains("nobody", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Seeding_twice_changes_nothing_the_second_time()
    {
        var (first, firstOutput) = await RunAsync(["seed", "testing-guide"], stores.Postgres);
        var (second, secondOutput) = await RunAsync(["seed", "testing-guide"], stores.Postgres);

        Assert.True(first == 0, firstOutput);
        Assert.True(second == 0, secondOutput);
        Assert.Contains("shown once: sk-", firstOutput, StringComparison.Ordinal);
        Assert.DoesNotContain("sk-", secondOutput, StringComparison.Ordinal);
        await using var source = NpgsqlDataSource.Create(stores.Postgres);
        await using var command = source.CreateCommand("""
            SELECT concat_ws(' ', o.name, c.allocated, (SELECT count(*) FROM team_model_groups g WHERE g.team_id = t.team_id),
                             (SELECT string_agg(model_name, ',' ORDER BY priority) FROM model_group_models WHERE group_name = 'ResumeAgent'))
              FROM organizations o JOIN teams t USING (organization_id) JOIN team_credits c USING (team_id)
            """);
        Assert.Equal("Test Organization 100.000000 3 gpt-4-turbo,gpt-3.5-turbo", await command.ExecuteScalarAsync());
    }

    [Theory]
    [InlineData("sed")]
    [InlineData("seed", "nothing")]
    public async Task What_it_does_not_know_ends_with_two(params string[] verb) => Assert.Equal(2, (await RunAsync(verb, stores.Postgres)).Code);

    private async Task<(int Code, string Output)> RunAsync(string[] verb, string postgres, string? litellm = null)
    {
        var dll = Path.Combine(AppContext.BaseDirectory, "SaasLlm.JobRunner.dll");
        var start = new ProcessStartInfo("dotnet", ["exec", dll, .. verb]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["ConnectionStrings__saasllm"] = postgres;
        start.Environment["ConnectionStrings__redis"] = stores.Redis;
        if (litellm is not null)
        {
            start.Environment["ConnectionStrings__litellm"] = litellm;
        }

        using var process = Process.Start(start)!;
        var output = await Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return (process.ExitCode, string.Concat(output));
    }

    private string Named(string database) => new NpgsqlConnectionStringBuilder(stores.Postgres) { Database = database, Pooling = false }.ConnectionString;
}
