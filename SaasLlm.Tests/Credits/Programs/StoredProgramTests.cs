using System.Diagnostics;
using FsCheck.Fluent;
using SaasLlm.Core.Credits;

namespace SaasLlm.Tests.Credits.Programs;

/// <summary>The same programs, fewer, on Postgres and Redis: the statements do what the decisions say.</summary>
public sealed class StoredProgramTests(LedgerStores stores) : IClassFixture<LedgerStores>
{
    // A shrunk program is easier to read, but not worth minutes: each try asks the real stores.
    private static readonly TimeSpan s_shrinkingMax = TimeSpan.FromSeconds(20);

    private static readonly DateTimeOffset s_start = new(2026, 3, 25, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task The_real_ledger_agrees_with_the_model_step_by_step()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis, options =>
        {
            options.CompleteWait = TimeSpan.Zero;
            // Redis' word is compared as well: on a busy machine it may take long, and is not to be given up.
            options.RedisTimeout = TimeSpan.FromSeconds(5);
        });
        await StoredLedger.StopClockAsync(api);

        Stopwatch? shrinking = null;
        FsCheck.Check.One(
            LedgerPropertyTests.Configuration(programs: 5),
            Prop.ForAll(Steps.Arbitrary(80), program =>
            {
                if (shrinking?.Elapsed > s_shrinkingMax)
                {
                    return;
                }

                try
                {
                    Task.Run(() => RunAsync(api, program)).GetAwaiter().GetResult();
                }
                catch (Exception)
                {
                    shrinking ??= Stopwatch.StartNew();
                    throw;
                }
            }));

        Assert.Empty(await api.MismatchesAsync());
    }

    private static async Task RunAsync(LedgerHarness api, Steps program)
    {
        var team = await api.CreateTeamAsync(0);
        var model = new Model(s_start);
        var script = new Script(team, model);
        var ledger = new StoredLedger(api, team);
        await ledger.SetClockAsync(model.Now);
        foreach (var step in program.List)
        {
            if (script.Write(step) is not { } command)
            {
                continue;
            }

            var expected = model.Apply(command);
            if (command is Wait)
            {
                await ledger.SetClockAsync(model.Now);
                continue;
            }

            var code = await ledger.SendAsync(command);
            // Redis does not know that a job was opened before; who repeats an opening reads first.
            if (command is not (OpenJob or Single) || step.Verb != Verb.Repeat || code != "credits.insufficient")
            {
                Assert.Equal((command, expected), (command, code));
            }

            Assert.Equal(model.Picture(LedgerPropertyTests.JobOf(command)), await ledger.PictureAsync(LedgerPropertyTests.JobOf(command)));
        }

        Assert.Empty(await api.MismatchesAsync());
    }
}
