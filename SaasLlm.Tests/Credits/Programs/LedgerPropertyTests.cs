using System.Globalization;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.FSharp.Core;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Credits.Rules;

namespace SaasLlm.Tests.Credits.Programs;

/// <summary>
/// Random programs on the decision core and on a model: after every step both tell the same, and the invariants hold. A failure
/// prints its seed and the shrunk program; <c>LEDGER_SEED=seed,gamma,size</c> runs that one again, <c>LEDGER_PROGRAMS=n</c> so many.
/// </summary>
public sealed class LedgerPropertyTests
{
    private const string Team = "team";
    private static readonly DateTimeOffset s_start = new(2026, 3, 25, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void The_decision_core_agrees_with_the_model_step_by_step()
        => FsCheck.Check.One(Configuration(programs: 1000), Prop.ForAll(Steps.Arbitrary(120), Run));

    internal static Config Configuration(int programs)
    {
        programs = int.Parse(Environment.GetEnvironmentVariable("LEDGER_PROGRAMS") ?? $"{programs}", CultureInfo.InvariantCulture);
        var config = Config.QuickThrowOnFailure.WithMaxTest(programs).WithQuietOnSuccess(true);
        if (Environment.GetEnvironmentVariable("LEDGER_SEED") is not { } text)
        {
            return config;
        }

        var numbers = text.Split(',').Select(number => ulong.Parse(number, CultureInfo.InvariantCulture)).ToArray();
        return config.WithReplay(new FSharpOption<Replay>(new(new(numbers[0], numbers[1]), new FSharpOption<int>((int)numbers[2]))));
    }

    private static void Run(Steps program)
    {
        var model = new Model(s_start);
        var script = new Script(Team, model);
        var ledger = new PureLedger(Team, s_start);
        Dictionary<object, string> firsts = [];
        List<Expected> batch = [];
        foreach (var step in program.List)
        {
            if (script.Write(step) is not { } command)
            {
                Commit();
                continue;
            }

            if (command is Wait)
            {
                Commit();
                model.Apply(command);
                continue;
            }

            var before = model.Picture(JobOf(command));
            var code = model.Apply(command);
            batch.Add(new(command, code, before, model.Picture(JobOf(command))));
            ledger.Add(command);
        }

        Commit();

        void Commit()
        {
            var (account, started) = (ledger.Tables.Account, model.Now);
            var jobs = ledger.Tables.Jobs;
            ledger.Commit(started, (index, outcome) =>
            {
                var expected = batch[index];
                Assert.Equal((expected.Command, expected.Code), (expected.Command, outcome.Code));
                Assert.Equal(expected.After, ledger.Picture(JobOf(expected.Command), started));
                account = Holds(expected, account, ledger.Account, started);
                if (JobOf(expected.Command) is { } id && ledger.Job(id) is { } job)
                {
                    Invariants.OfJob(jobs.GetValueOrDefault(id), job);
                    jobs[id] = job;
                }

                Repeats(expected, outcome);
            });
            batch.Clear();
        }

        // What was done once is answered the same ever after, and changes nothing.
        void Repeats(Expected expected, Outcome outcome)
        {
            if (outcome.Code is not null || expected.Command is Expire or ConfigureAccount)
            {
                return;
            }

            // Save the time that is left, which goes on.
            var answer = JsonSerializer.Serialize(outcome.Value is StartedCall started ? started with { JobTimeLeft = default } : outcome.Value);
            if (!firsts.TryAdd(expected.Command, answer))
            {
                Assert.Equal((firsts[expected.Command], expected.Before), (answer, expected.After));
                Assert.Empty(outcome.Entries);
            }
        }
    }

    private static AccountState Holds(
        Expected expected, AccountState before, AccountState after, DateTimeOffset now)
    {
        Invariants.OfAccount(after);
        Invariants.OfLimit(before, after, now);
        if (expected.Command is Expire)
        {
            Invariants.OfExpiry(before, after);
        }

        return after;
    }

    internal static JobId? JobOf(object command) => command switch
    {
        OpenJob open => open.JobId,
        Single single => single.Job.JobId,
        EndSingle single => single.Call.JobId,
        StartCall call => call.JobId,
        NextAttempt next => next.JobId,
        EndCall end => end.JobId,
        CloseJob close => close.JobId,
        RefundJob refund => refund.JobId,
        _ => null,
    };

    private sealed record Expected(object Command, string? Code, string Before, string After);
}
