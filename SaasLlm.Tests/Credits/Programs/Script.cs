using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Jobs;

namespace SaasLlm.Tests.Credits.Programs;

/// <summary>The clock goes on.</summary>
internal sealed record Wait(TimeSpan Time);

/// <summary>Expiry comes by.</summary>
internal sealed record Expire(string TeamId);

/// <summary>A request that is its own job: opened with its call.</summary>
internal sealed record Single(OpenJob Job, StartCall Call);

/// <summary>The end of a call that ends its job.</summary>
internal sealed record EndSingle(EndCall Call);

/// <summary>Turns steps into commands: their numbers choose among a few values each, and among what is there by then.</summary>
internal sealed class Script(string team, Model model)
{
    private static readonly decimal[] s_amounts = [1, 5, 0.5m, 0.000001m, 2, 0.333333m, 20];
    private static readonly string[] s_statuses = [JobStatus.Completed, JobStatus.Completed, JobStatus.Failed, JobStatus.Cancelled, JobStatus.Expired];

    private static readonly TimeSpan[] s_waits =
        [TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(31), TimeSpan.FromHours(5), TimeSpan.FromDays(3), TimeSpan.FromDays(29)];

    private readonly List<object> _written = [];
    private int _ids;

    /// <summary>Null: there is nothing yet that the step could concern.</summary>
    public object? Write(Step step)
    {
        var command = step.Verb switch
        {
            Verb.Grant => Grant(step),
            Verb.Open => Open(step),
            Verb.Single => Open(step) is var job ? new Single(job, Start(job.JobId, step)) : null,
            Verb.Start => Of(step.C % 5 == 0 ? model.JobIds : model.OpenJobs, step.A, job => Start(job, step)),
            Verb.Next => Of(model.RunningCalls, step.A, call => Next(call, step)),
            Verb.End => Of(model.RunningCalls, step.A, call => step.C % 3 == 0 ? new EndSingle(End(call, step)) : End(call, step)),
            Verb.Close => Of(step.C % 4 == 0 ? model.JobIds : model.OpenJobs, step.A, job => new CloseJob(team, job, s_statuses[step.B % s_statuses.Length], null, null)),
            Verb.Refund => Of(step.C % 4 == 0 ? model.JobIds : model.ChargedJobs, step.A, job => new RefundJob(
                new(NewId()), team, job, step.B % 3 == 0 ? null : s_amounts[step.C % s_amounts.Length], "test")),
            Verb.Adjust => new AdjustCredits(new(NewId()), team, s_amounts[step.A % s_amounts.Length] * (step.B % 3 == 0 ? 1 : -1), "test"),
            Verb.Expire => new Expire(team),
            Verb.Clock => new Wait(s_waits[step.A % s_waits.Length]),
            Verb.Configure => Configure(step),
            Verb.Repeat => Of(_written, step.A, command => command),
            _ => null,
        };
        if (command is AddCredits or OpenJob or Single or EndCall or EndSingle or CloseJob or RefundJob or AdjustCredits && step.Verb != Verb.Repeat)
        {
            _written.Add(command);
        }

        return command;
    }

    private AddCredits Grant(Step step) => new(new(NewId()), team, s_amounts[step.A % s_amounts.Length], "test", new(
        LotSource.All[step.B % 3],
        Reference: step.C % 4 == 0 ? $"ref-{step.B % 2}" : null,
        Priority: (step.B % 3) switch { 0 => 50, 1 => 10, _ => 90 },
        ExpiresAt: (step.C % 6) switch
        {
            0 or 1 => null,
            2 => model.Now.AddMinutes(30),
            3 => model.Now.AddDays(1),
            4 => model.Now.AddDays(40),
            _ => model.Now.AddDays(3),
        }));

    private OpenJob Open(Step step) => new(
        new(NewId()), team, "test", null, null, "{}",
        (step.A % 3) switch { 0 => TimeSpan.FromHours(1), 1 => TimeSpan.FromDays(4), _ => TimeSpan.FromDays(30) },
        MaxCalls: step.B % 5 == 4 ? 1 : 100,
        Price: (step.B % 6) switch { 0 => 0, 1 => 0.25m, 2 => 3, _ => null },
        MaxCostUsd: step.C % 5 == 4 ? 0.3m : null);

    private StartCall Start(JobId job, Step step) => new(team, job, new(NewId()), "Group", Attempt(1, step));

    private AttemptIntent Attempt(int number, Step step) => new(
        new(NewId()), number, "model", TimeSpan.FromMinutes(2), new(step.B % 8 * 5000, step.C % 8 * 0.0333333333m));

    private NextAttempt Next((JobId Job, CallId Call, AttemptId Attempt) running, Step step)
        => new(team, running.Job, running.Call, Ended(running.Attempt, "failed"), Attempt(2, step));

    private EndCall End((JobId Job, CallId Call, AttemptId Attempt) running, Step step)
    {
        var failed = step.C % 5 == 4;
        var cost = failed ? (decimal?)null : step.B % 8 * 0.1400000001m;
        return new(
            team, running.Job, running.Call, "Group", null, Ended(running.Attempt, failed ? "failed" : "succeeded"), 1, failed ? null : "model",
            failed ? "llm.all_models_failed" : null, failed ? default : new(step.C % 8 * 3000, 0, step.B % 4 * 1500, 0), cost, cost, 5, model.Now);
    }

    private static AttemptEnd Ended(AttemptId attempt, string status) => new(attempt, status, "answer", 200, null, default, 0, 5);

    private ConfigureAccount Configure(Step step) => (step.A % 3) switch
    {
        0 => new(team, Terms: new(
            BudgetMode.All[step.B % 3], CreditsPerJob: (step.C % 3) switch { 0 => 1, 1 => 0, _ => 0.1m }, CreditsPerDollar: 10,
            TokensPerCredit: step.C % 2 == 0 ? 10_000 : 3_000, Increment: (step.B % 4) switch { 0 => 1, 1 => 0.1m, 2 => 2.5m, _ => 0.000003m },
            MarkupPercent: step.C % 4 == 0 ? 0 : 33.3333m)),
        1 => new(team, Limit: new(step.B % 3 == 0 ? null : step.C % 12)),
        _ => new(team, Thresholds: new([5, 1, 0.5m], new(step.B % 3 == 0 ? null : 0.1m))),
    };

    private static object? Of<T>(IReadOnlyList<T> among, int choice, Func<T, object> command)
        => among.Count == 0 ? null : command(among[choice % among.Count]);

    // Of a fixed month: its attempts and messages meet the jobs' in the partitions.
    private Guid NewId() => Guid.Parse($"019a0000-0000-7000-8000-{++_ids:x12}");
}
