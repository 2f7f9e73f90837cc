using SaasLlm.Benchmarks.Crash;
using SaasLlm.Benchmarks.Crash.Rig;

namespace SaasLlm.Tests.Crash;

/// <summary>
/// The short crash matrix: processes die under load, and every invariant is checked. The long one is
/// <c>dotnet run --project SaasLlm.Benchmarks -c Release -- crash</c>.
/// </summary>
// One after the other: each starts processes enough to keep the machine busy.
[Collection("crash")]
public sealed class CrashMatrixTests(CrashRigFixture rigs, ITestOutputHelper output) : IClassFixture<CrashRigFixture>
{
    private const int AnswersBetween = 40;

    private static readonly int s_seed = Random.Shared.Next(1, 1_000_000);

    [Fact]
    public async Task A_process_that_dies_between_any_two_effects_of_a_job_costs_nobody_a_credit()
        => await HoldsAsync(await rigs.SharedAsync(), CrashMatrix.SomeOfOpenAndClose);

    [Fact]
    public async Task Redis_may_be_emptied_at_any_time() => await HoldsAsync(await rigs.SharedAsync(), CrashMatrix.Find("redis.flushall"));

    [Fact]
    public async Task A_build_that_leaves_out_one_release_of_a_hold_is_caught()
    {
        var rig = await rigs.SharedAsync();
        try
        {
            // The other rows find nothing on the same rig: it is this release that is noticed.
            await HoldsAsync(rig, CrashMatrix.Find("broken.release"));
        }
        finally
        {
            await rig.ExecuteAsync(CrashMatrix.MendRelease);
        }
    }

    private async Task HoldsAsync(CrashRig rig, CrashRow row)
    {
        var result = await RunAsync(rig, row);
        Assert.True(result.Held, CrashReport.Line(result));
    }

    private async Task<RowResult> RunAsync(CrashRig rig, CrashRow row)
    {
        var result = await new CrashRun(rig, row, s_seed).RunAsync(AnswersBetween, default);
        output.WriteLine(CrashReport.Line(result));
        if (!result.Held)
        {
            output.WriteLine(string.Join(Environment.NewLine, result.Log.TakeLast(100)));
        }

        return result;
    }
}
