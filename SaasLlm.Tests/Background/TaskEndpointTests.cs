using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using SaasLlm.Core.Background;
using SaasLlm.Core.Data;
using SaasLlm.Tests.Access;

namespace SaasLlm.Tests.Background;

/// <summary>What operators see of background tasks, and how they ask for a run.</summary>
[Collection(ApiTests.Name)]
public sealed class TaskEndpointTests(ApiFixture api)
{
    private const string Tasks = "/api/admin/tasks";

    [Fact]
    public async Task Names_are_for_ever()
    {
        Assert.Equal("expire-jobs", TaskName.Of(typeof(Core.Jobs.ExpireJobsPass)));
        Assert.Equal("forget-idempotency-keys", TaskName.Of(typeof(Core.Idempotency.ForgetIdempotencyKeysPass)));
        (await api.Operator.GetAsync($"{Tasks}/no-such-task")).Is(404, "task.not_found");
        (await api.Operator.GetAsync($"{Tasks}/No_Task")).Is(404, "task.not_found");
        (await api.Operator.PostAsync($"{Tasks}/no-such-task/run")).Is(404, "task.not_found");
    }

    [Fact]
    public async Task A_job_runners_tasks_are_listed_and_one_that_is_asked_for_runs()
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddSingleton(TimeProvider.System).AddSingleton(api.Database)
            .AddBackgroundPass<PartitionsPass>()
            .AddBackgroundPass<NightPass>()
            .AddOptions<BackgroundOptions>().Configure(options => (options.PollInterval, options.RecordInterval) = (TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(1)));
        using var host = builder.Build();
        await host.StartAsync();
        var first = await WaitAsync("partitions", task => (long)task["runs"]! == 1);
        Assert.Equal(
            (true, 86400m, "succeeded", 0L, null, null),
            ((bool)first["is_schedule"]!, (decimal)first["run_every_seconds"]!, (string)first["last_outcome"]!, (long)first["failures"]!, first["last_error"], first["requested_at"]));
        var night = await WaitAsync("night", task => (long)task["runs"]! == 1);
        Assert.Equal((false, null, "failed", "It is day."), ((bool)night["is_schedule"]!, night["next_run_at"], (string)night["last_outcome"]!, (string)night["last_error"]!));

        var asked = (await api.Operator.PostAsync($"{Tasks}/partitions/run")).Is(202);
        Assert.NotNull(asked["requested_at"]);
        await WaitAsync("partitions", task => (long)task["runs"]! == 2);
        (await api.Operator.PostAsync($"{Tasks}/night/run")).Is(202);
        await WaitAsync("night", task => (long)task["runs"]! == 2);

        var listed = (await api.Operator.GetAsync(Tasks)).Is(200)["items"]!.AsArray().Select(task => (string)task!["name"]!).ToList();
        Assert.Equal(listed.Order(StringComparer.Ordinal), listed);
        Assert.Contains("partitions", listed);
        await host.StopAsync();
    }

    private async Task<ApiAnswer> WaitAsync(string name, Func<ApiAnswer, bool> isSo)
    {
        for (var tries = 0; ; tries++)
        {
            if (await api.Operator.GetAsync($"{Tasks}/{name}") is { Status: 200 } task && isSo(task))
            {
                return task;
            }

            Assert.True(tries < 1200, $"{name} did not run within two minutes");
            await Task.Delay(100);
        }
    }

    private sealed class NightPass : IBackgroundPass
    {
        public TimeSpan Interval => TimeSpan.FromHours(1);

        public Task<bool> RunAsync(CancellationToken cancellation) => throw new PassFailedException("It is day.");
    }
}
