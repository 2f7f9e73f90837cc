using SaasLlm.Core.Background;
using SaasLlm.Core.Common;

namespace SaasLlm.Tests.Background;

/// <summary>Schedules run once a tick whoever runs, again when their runner dies, later when they fail, and now when they are asked for.</summary>
public sealed class SchedulesTests(Infrastructure.AppFixture app)
{
    private const string Name = "test-schedule";

    private static readonly Func<CancellationToken, Task<bool>> s_nothing = _ => Task.FromResult(false);

    [Fact]
    public async Task Runners_share_a_tick_one_of_them_does_it()
    {
        await using var database = await TaskDatabase.CreateAsync(app);
        var passes = Enumerable.Range(0, 4).Select(_ => new TestSchedule(s_nothing)).ToArray();
        var runners = passes.Select(pass => new ScheduleBench(database.Source, null, pass)).ToArray();
        await Task.WhenAll(runners.Select(runner => runner.Schedules.RegisterAsync(default)));
        for (var tick = 1; tick <= 5; tick++)
        {
            await Task.WhenAll(runners.SelectMany(runner => new[] { runner.RunDueAsync(), runner.RunDueAsync() }));
            Assert.Equal(tick, passes.Sum(pass => pass.Runs));
            await database.ExecuteAsync("UPDATE scheduled_tasks SET next_run_at = now()");
        }

        var task = await database.TaskAsync(Name);
        Assert.Equal((5L, 0L, 0, TaskOutcome.Succeeded, null, true), (task.Runs, task.Failures, task.FailuresInRow, task.LastOutcome, task.LastError, task.IsSchedule));
        Assert.True(task.LastEndedAt >= task.LastStartedAt);
    }

    [Fact]
    public async Task The_next_tick_is_an_interval_after_the_end_and_a_full_batch_is_gone_on_with()
    {
        await using var database = await TaskDatabase.CreateAsync(app);
        var batches = 0;
        var pass = new TestSchedule(_ => Task.FromResult(++batches % 3 != 0), TimeSpan.FromMinutes(7));
        await using var runner = new ScheduleBench(database.Source, null, pass);
        await runner.Schedules.RegisterAsync(default);

        Assert.Equal(1, await runner.RunDueAsync());
        Assert.Equal(3, pass.Runs);
        Assert.Equal(0, await runner.RunDueAsync());

        var task = await database.TaskAsync(Name);
        Assert.Equal((TimeSpan.FromMinutes(7), 1L), (task.NextRunAt - task.LastEndedAt, task.Runs));
    }

    // The ticks are in Postgres: another process, later, goes on with them.
    [Fact]
    public async Task A_restart_keeps_the_ticks_and_a_shorter_interval_brings_the_next_one_forward()
    {
        await using var database = await TaskDatabase.CreateAsync(app);
        await using (var before = new ScheduleBench(database.Source, null, new TestSchedule(s_nothing, TimeSpan.FromDays(1))))
        {
            await before.Schedules.RegisterAsync(default);
            Assert.Equal(1, await before.RunDueAsync());
        }

        var pass = new TestSchedule(s_nothing, TimeSpan.FromMinutes(1));
        await using var after = new ScheduleBench(database.Source, null, pass);
        var registered = await database.ScalarAsync<DateTime>("SELECT now()");
        await after.Schedules.RegisterAsync(default);
        Assert.Equal(0, await after.RunDueAsync());

        Assert.True(await database.ScalarAsync<bool>(
            $"SELECT next_run_at BETWEEN timestamptz '{registered:O}' + interval '1 minute' AND now() + interval '1 minute' FROM scheduled_tasks"));
        Assert.Equal((1L, TimeSpan.FromMinutes(1)), await database.TaskAsync(Name) switch { var task => (task.Runs, task.RunEvery) });
    }

    [Fact]
    public async Task A_run_whose_runner_died_is_done_again_when_its_lease_is_over_and_its_late_end_counts_for_nothing()
    {
        await using var database = await TaskDatabase.CreateAsync(app);
        var store = new TaskStore(database.Source);
        var pass = new TestSchedule(s_nothing);
        await using var runner = new ScheduleBench(database.Source, null, pass);
        await runner.Schedules.RegisterAsync(default);
        var dead = Uuid7.New(TimeProvider.System);
        Assert.Equal([(Name, false)], await store.ClaimAsync([Name], dead, TimeSpan.FromMinutes(1), default));

        Assert.Equal(0, await runner.RunDueAsync());
        Assert.Equal(TaskOutcome.Running, (await database.TaskAsync(Name)).LastOutcome);

        await database.ExecuteAsync("UPDATE scheduled_tasks SET lease_until = now() - interval '1 millisecond'");
        Assert.Equal(TaskOutcome.Interrupted, (await database.TaskAsync(Name)).LastOutcome);
        Assert.Equal(1, await runner.RunDueAsync());
        Assert.False(await store.EndAsync(Name, dead, TimeSpan.Zero, "late", default));
        Assert.False(await store.RenewAsync(Name, dead, TimeSpan.FromMinutes(1), default));

        Assert.Equal((1, 1L, TaskOutcome.Succeeded, null), await database.TaskAsync(Name) switch { var task => (pass.Runs, task.Runs, task.LastOutcome, task.LastError) });
    }

    [Fact]
    public async Task A_run_that_loses_its_lease_is_stopped()
    {
        await using var database = await TaskDatabase.CreateAsync(app);
        var pass = new TestSchedule(async cancellation =>
        {
            await Task.Delay(Timeout.Infinite, cancellation);
            return false;
        });
        await using var runner = new ScheduleBench(database.Source, TimeSpan.FromSeconds(9), pass);
        await runner.Schedules.RegisterAsync(default);
        var run = Assert.Single(await runner.Schedules.StartDueAsync(default));
        var other = Uuid7.New(TimeProvider.System);
        await database.ExecuteAsync($"UPDATE scheduled_tasks SET lease_token = '{other}', lease_until = now() + interval '1 hour'");

        await run.WaitAsync(Infrastructure.Eventually.Patience);

        Assert.Equal(other, await database.ScalarAsync<Guid>("SELECT lease_token FROM scheduled_tasks"));
        Assert.Equal((0L, TaskOutcome.Running), await database.TaskAsync(Name) switch { var task => (task.Runs, task.LastOutcome) });
    }

    // The store takes the renewal and does not answer: another runner has the run when the lease is over.
    [Fact]
    public async Task A_run_whose_renewal_hangs_is_stopped_when_its_lease_is_over()
    {
        await using var database = await TaskDatabase.CreateAsync(app);
        var stopped = new TaskCompletionSource();
        await using var runner = new ScheduleBench(database.Source, TimeSpan.FromSeconds(1), new TestSchedule(async cancellation =>
        {
            await Task.Delay(Timeout.Infinite, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            stopped.SetResult();
            throw new OperationCanceledException();
        }));
        await runner.Schedules.RegisterAsync(default);
        var run = Assert.Single(await runner.Schedules.StartDueAsync(default));
        await using (var connection = await database.Source.OpenConnectionAsync())
        await using (var transaction = await connection.BeginTransactionAsync())
        {
            await using var turn = new Npgsql.NpgsqlCommand("SELECT FROM scheduled_tasks FOR UPDATE", connection);
            await turn.ExecuteNonQueryAsync();
            await stopped.Task.WaitAsync(Infrastructure.Eventually.Patience);
        }

        await run;
        Assert.Equal((TaskOutcome.Interrupted, 0L), await database.TaskAsync(Name) switch { var task => (task.LastOutcome, task.Runs) });
    }

    [Fact]
    public async Task A_long_run_keeps_its_lease()
    {
        await using var database = await TaskDatabase.CreateAsync(app);
        var end = new TaskCompletionSource<bool>();
        var pass = new TestSchedule(_ => end.Task);
        // It is renewed every two seconds: one that comes four seconds late is none too late.
        var lease = TimeSpan.FromSeconds(6);
        await using var runner = new ScheduleBench(database.Source, lease, pass);
        await using var other = new ScheduleBench(database.Source, lease, pass);
        await runner.Schedules.RegisterAsync(default);
        var run = Assert.Single(await runner.Schedules.StartDueAsync(default));
        var first = await LeaseAsync();
        await Infrastructure.Eventually.IsSoAsync(
            async () =>
            {
                Assert.Equal(0, await other.RunDueAsync());
                return await LeaseAsync() > first + lease;
            },
            () => "The lease was not renewed", TimeSpan.FromMilliseconds(50));

        end.SetResult(false);
        await run;
        Assert.Equal((1, 1L), (pass.Runs, (await database.TaskAsync(Name)).Runs));

        Task<DateTime> LeaseAsync() => database.ScalarAsync<DateTime>("SELECT lease_until FROM scheduled_tasks");
    }

    [Fact]
    public async Task A_runner_that_stops_gives_its_run_up_and_another_does_it_at_once()
    {
        await using var database = await TaskDatabase.CreateAsync(app);
        using var stop = new CancellationTokenSource();
        await using var stopping = new ScheduleBench(database.Source, null, new TestSchedule(async cancellation =>
        {
            await Task.Delay(Timeout.Infinite, cancellation);
            return false;
        }));
        await stopping.Schedules.RegisterAsync(default);
        var run = Assert.Single(await stopping.Schedules.StartDueAsync(stop.Token));

        await stop.CancelAsync();
        await run;

        Assert.Equal((TaskOutcome.Interrupted, 0L), await database.TaskAsync(Name) switch { var task => (task.LastOutcome, task.Runs) });
        await using var other = new ScheduleBench(database.Source, null, new TestSchedule(s_nothing));
        Assert.Equal(1, await other.RunDueAsync());
    }

    [Fact]
    public async Task A_failure_is_shown_and_tried_again_later_each_time_until_it_succeeds()
    {
        await using var database = await TaskDatabase.CreateAsync(app);
        var fails = true;
        var pass = new TestSchedule(_ => fails ? throw new InvalidOperationException("a bad day" + new string('.', 600)) : Task.FromResult(false));
        await using var runner = new ScheduleBench(database.Source, null, pass);
        await runner.Schedules.RegisterAsync(default);
        for (var failures = 1; failures <= 14; failures++)
        {
            Assert.Equal(1, await runner.RunDueAsync());
            var task = await database.TaskAsync(Name);
            Assert.Equal((TaskOutcome.Failed, (long)failures, failures), (task.LastOutcome, task.Failures, task.FailuresInRow));
            Assert.Equal(TimeSpan.FromSeconds(Math.Min(3600, Math.Pow(2, failures - 1))), task.NextRunAt - task.LastEndedAt);
            Assert.StartsWith("InvalidOperationException: a bad day", task.LastError, StringComparison.Ordinal);
            Assert.Equal(500, task.LastError!.Length);
            // Not before its time; a second may pass unseen.
            await database.ExecuteAsync("UPDATE scheduled_tasks SET next_run_at = next_run_at + interval '1 hour'");
            Assert.Equal(0, await runner.RunDueAsync());
            await database.ExecuteAsync("UPDATE scheduled_tasks SET next_run_at = now()");
        }

        fails = false;
        Assert.Equal(1, await runner.RunDueAsync());
        Assert.Equal(
            (TaskOutcome.Succeeded, null, 15L, 14L, 0),
            await database.TaskAsync(Name) switch { var task => (task.LastOutcome, task.LastError, task.Runs, task.Failures, task.FailuresInRow) });
    }

    [Fact]
    public async Task A_run_that_is_asked_for_comes_now_and_once_and_after_the_one_under_way()
    {
        await using var database = await TaskDatabase.CreateAsync(app);
        var end = new TaskCompletionSource<bool>();
        var pass = new TestSchedule(_ => end.Task);
        await using var runner = new ScheduleBench(database.Source, null, pass);
        await using var other = new ScheduleBench(database.Source, null, pass);
        await runner.Schedules.RegisterAsync(default);
        var under = Assert.Single(await runner.Schedules.StartDueAsync(default));
        var reader = new TaskReader(database.Source);
        var request = Uuid7.New(TimeProvider.System);
        Assert.NotNull((await reader.RequestRunAsync(Name, request, default)).Value.RequestedAt);
        Assert.Equal(0, await other.RunDueAsync());

        end.SetResult(false);
        await under;
        await runner.Schedules.DrainAsync();
        Assert.Equal((1, 0), (await other.RunDueAsync(), await runner.RunDueAsync()));
        Assert.Equal((2, 1), (pass.Runs, pass.Prepared));

        // The same request again asks for nothing.
        Assert.Null((await reader.RequestRunAsync(Name, request, default)).Value.RequestedAt);
        Assert.Equal(0, await runner.RunDueAsync());
        Assert.Equal("task.not_found", (await reader.RequestRunAsync("nothing", request, default)).Failure?.Code);
    }

    [Fact]
    public async Task A_run_that_was_asked_for_stays_asked_for_when_its_runner_dies()
    {
        await using var database = await TaskDatabase.CreateAsync(app);
        var pass = new TestSchedule(s_nothing);
        await using var runner = new ScheduleBench(database.Source, null, pass);
        await runner.Schedules.RegisterAsync(default);
        Assert.Equal(1, await runner.RunDueAsync());
        await new TaskReader(database.Source).RequestRunAsync(Name, Uuid7.New(TimeProvider.System), default);
        var dead = Uuid7.New(TimeProvider.System);
        Assert.Equal([(Name, true)], await new TaskStore(database.Source).ClaimAsync([Name], dead, TimeSpan.FromMinutes(1), default));
        await database.ExecuteAsync("UPDATE scheduled_tasks SET lease_until = now() - interval '1 millisecond'");

        Assert.Equal((1, 0), (await runner.RunDueAsync(), await runner.RunDueAsync()));

        Assert.Equal((2, 1), (pass.Runs, pass.Prepared));
        Assert.Null((await database.TaskAsync(Name)).RequestedAt);
    }

    [Fact]
    public async Task What_every_runner_does_is_added_up_and_one_of_them_takes_a_request()
    {
        await using var database = await TaskDatabase.CreateAsync(app);
        var (one, two) = (new TestPass(() => Task.FromResult(false)), new TestPass(() => Task.FromResult(false)));
        await using var first = new ScheduleBench(database.Source, null, one);
        await using var second = new ScheduleBench(database.Source, null, two);
        await first.Schedules.RegisterAsync(default);
        Assert.Equal(0, await first.RunDueAsync());
        first.Tasks[0].Record(TimeProvider.System.GetTimestamp(), TimeSpan.FromMilliseconds(120), null);
        first.Tasks[0].Record(TimeProvider.System.GetTimestamp(), TimeSpan.FromMilliseconds(80), null);
        second.Tasks[0].Record(TimeProvider.System.GetTimestamp(), TimeSpan.FromMilliseconds(30), "no luck");
        await first.Schedules.RecordAsync(default);
        await second.Schedules.RecordAsync(default);
        await second.Schedules.RecordAsync(default);

        var task = await database.TaskAsync("test-pass");
        Assert.Equal(
            (false, 3L, 1L, 1, TaskOutcome.Failed, "no luck", 30L),
            (task.IsSchedule, task.Runs, task.Failures, task.FailuresInRow, task.LastOutcome, task.LastError, task.LastDurationMs!.Value));

        await new TaskReader(database.Source).RequestRunAsync("test-pass", Uuid7.New(TimeProvider.System), default);
        Assert.Equal(0, await first.RunDueAsync() + await second.RunDueAsync());
        Assert.True(await first.Tasks[0].RestAsync(TimeSpan.FromHours(1), TimeProvider.System, default));
        Assert.False(await second.Tasks[0].RestAsync(TimeSpan.FromMilliseconds(1), TimeProvider.System, default));
        Assert.False(await first.Tasks[0].RestAsync(TimeSpan.FromMilliseconds(1), TimeProvider.System, default));
    }
}
