using Npgsql;
using SaasLlm.Benchmarks.Jobs;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.Benchmarks;

/// <summary>What the verb <c>jobs</c> measures alone: the steps and deliveries that it makes by SQL are as the product's own.</summary>
public sealed class JobsLoadTests(AppFixture app)
{
    private const int TeamStepsMax = 16;
    private const int AllStepsMax = 1024;

    [Theory]
    [InlineData(10, 2, true)]
    [InlineData(1, 300, false)]
    [InlineData(20, 10, false)]
    public async Task All_queued_steps_are_claimed_and_ended_and_then_none_is_left(int jobs, int steps, bool isChained)
    {
        var cancellation = TestContext.Current.CancellationToken;
        var server = (await app.StoresAsync()).Postgres;
        var name = $"steps_{Guid.CreateVersion7():N}";
        await using (var queue = await StepQueue.CreateAsync(server, name, cancellation))
        {
            await queue.FillAsync(3, jobs, steps, isChained, cancellation);
            await queue.WorkAsync(jobs * steps, TeamStepsMax, AllStepsMax, cancellation);

            await Assert.ThrowsAsync<InvalidOperationException>(() => queue.WorkAsync(1, TeamStepsMax, AllStepsMax, cancellation));
        }

        await using var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(server) { Database = $"saasllm_{name}", Pooling = false }.ConnectionString);
        Assert.Equal((long)jobs * steps, await ScalarAsync("SELECT count(*) FROM background_steps WHERE status = 'succeeded'"));
        Assert.Equal((long)jobs, await ScalarAsync("SELECT count(*) FROM background_jobs WHERE state = 'finishing' AND succeeded = total AND in_flight = 0"));
        Assert.Equal(0L, await ScalarAsync("SELECT sum(ready + running)::bigint FROM background_teams"));

        async Task<long> ScalarAsync(string sql)
        {
            await using var command = source.CreateCommand(sql);
            return (long)(await command.ExecuteScalarAsync(cancellation))!;
        }
    }
}
