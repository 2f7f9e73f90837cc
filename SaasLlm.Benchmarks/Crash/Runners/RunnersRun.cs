using System.Diagnostics;
using SaasLlm.Benchmarks.Crash.Checks;
using SaasLlm.Benchmarks.Crash.Rig;

namespace SaasLlm.Benchmarks.Crash.Runners;

/// <summary>Runs a row on job runners: jobs are submitted wave after wave, runners die meanwhile, all comes to its end, and then every check.</summary>
/// <param name="say">Hears of each strike: a long row shows how far it is.</param>
internal sealed class RunnersRun(RunnersBench bench, CrashRow row, int seed, Action<string>? say = null)
{
    private const int MoreJobs = 3;

    private static readonly TimeSpan s_wavePatience = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan s_strikePatience = TimeSpan.FromSeconds(150);
    private static readonly TimeSpan s_morePause = TimeSpan.FromMilliseconds(500);

    private readonly Random _random = new(seed + (row.Name.Sum(letter => letter) * 7919));
    private readonly JobSubmitter _submitter = new(bench);
    private readonly List<string> _faults = [];
    private readonly List<Task> _given = [];

    /// <param name="jobs">Of some steps each, in as many waves as there are strikes.</param>
    /// <param name="batch">Inputs of the one batch.</param>
    /// <param name="quietPatience">From the last strike until all has ended.</param>
    public async Task<RowResult> RunAsync(int jobs, int batch, TimeSpan quietPatience, CancellationToken cancellation)
    {
        var began = Stopwatch.GetTimestamp();
        var strikes = row.Strikes(_random);
        var striker = new Striker(bench.Rig, row, _random, strikes, _faults);
        await bench.Rig.StartAsync(bench.Rig.Services.ToDictionary(service => service, striker.NextLife), cancellation);
        await bench.CreateTenantsAsync();

        _given.Add(_submitter.SubmitBatchAsync(batch));
        var perWave = Math.Max(1, jobs / (strikes.Count + 1));
        await WaveAsync(perWave, striker, cancellation);
        while (!striker.IsThrough && await StrikeAsync(striker, cancellation))
        {
            Say(began, "a strike is over");
            _faults.AddRange((await LedgerChecks.AlwaysAsync(bench.Rig.Source)).Select(fault => $"under load: {fault}"));
            await WaveAsync(perWave, striker, cancellation);
        }

        await bench.Rig.WaitUntilReadyAsync(cancellation);
        await Task.WhenAll(_given);
        await _submitter.SubmitAsync(Math.Max(0, jobs + 1 - _submitter.Submitted.Count));
        Say(began, "all is submitted");
        var quiet = Stopwatch.GetTimestamp();
        await QuietAsync(quietPatience, cancellation);
        await using var connection = await bench.Rig.Source.OpenConnectionAsync(cancellation);
        _faults.AddRange(await FinalAsync(connection, bench.Gateway.Sent, bench.Receiver.Arrivals));
        _faults.AddRange(await LedgerChecks.AlwaysAsync(connection));
        _faults.AddRange(await LedgerChecks.QuietAsync(connection, CrashRig.AttemptGrace));
        _faults.AddRange(await ReconcileAsync());
        var sent = bench.Gateway.Sent.Select(call => (call.JobId, call.Step, call.Model)).ToList();
        return new(
            row, seed, strikes, [.. _faults.Distinct()], Log(), sent.Count, sent.Count - sent.Distinct().Count(), _submitter.Submitted.Count,
            Stopwatch.GetElapsedTime(quiet), Stopwatch.GetElapsedTime(began));
    }

    /// <summary>What must hold of submitted jobs in the end, of what the tables say, what reached the gateway and what arrived.</summary>
    public async Task<IReadOnlyList<string>> FinalAsync(Npgsql.NpgsqlConnection connection, IReadOnlyCollection<SentStep> sent, IReadOnlyCollection<Arrival> arrivals) =>
    [
        .. _submitter.Refused.Select(refusal => $"request was refused: {refusal}"),
        .. await SubmittedAsync(connection),
        .. await RunnersChecks.FindAsync(connection),
        .. await ArrivalChecks.FindAsync(connection, bench.Webhooks, arrivals),
        .. await SentStepChecks.FindAsync(connection, sent),
    ];

    private void Say(long began, string what) => say?.Invoke(string.Create(
        System.Globalization.CultureInfo.InvariantCulture,
        $"{row.Name}: {Stopwatch.GetElapsedTime(began).TotalSeconds:F0} s: {what}; {_submitter.Submitted.Count} jobs, {bench.Gateway.Sent.Count} calls"));

    // Of its steps some have run when the next strike comes, and some have not. Who died already is started again by its strike.
    private async Task WaveAsync(int jobs, Striker striker, CancellationToken cancellation)
    {
        var (began, goal) = (Stopwatch.GetTimestamp(), bench.Gateway.Sent.Count + jobs);
        var given = _submitter.SubmitAsync(jobs);
        _given.Add(given);
        while ((!given.IsCompleted || bench.Gateway.Sent.Count < goal) && !striker.NextIsDead && Stopwatch.GetElapsedTime(began) < s_wavePatience)
        {
            await Task.Delay(20, cancellation);
        }
    }

    // A failpoint is come to by work: while nobody died, there is more.
    private async Task<bool> StrikeAsync(Striker striker, CancellationToken cancellation)
    {
        using var struck = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var more = MoreAsync(struck.Token);
        var isStruck = await striker.StrikeAsync(waited => waited > s_strikePatience, cancellation);
        await struck.CancelAsync();
        await more;
        return isStruck;
    }

    private async Task MoreAsync(CancellationToken struck)
    {
        while (!struck.IsCancellationRequested)
        {
            await Task.Delay(s_morePause, struck).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!struck.IsCancellationRequested)
            {
                await _submitter.SubmitAsync(MoreJobs);
            }
        }
    }

    // Jobs, their events, and Redis; what is left over then is a fault.
    private async Task QuietAsync(TimeSpan patience, CancellationToken cancellation)
    {
        var began = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(began) < patience && await IsBusyAsync(cancellation))
        {
            await Task.Delay(250, cancellation);
        }

        _faults.AddRange(await RedisChecks.CompareAsync(bench.Rig, bench.Tenants));
    }

    private async Task<bool> IsBusyAsync(CancellationToken cancellation)
    {
        await using var command = bench.Rig.Source.CreateCommand("""
            SELECT EXISTS (SELECT 1 FROM background_jobs WHERE state <> 'ended') OR EXISTS (SELECT 1 FROM outbox WHERE relayed_at IS NULL)
                OR EXISTS (SELECT 1 FROM webhook_deliveries WHERE state = 'pending') OR EXISTS (SELECT 1 FROM llm_attempts WHERE status = 'running')
            """);
        return (bool)(await command.ExecuteScalarAsync(cancellation))!;
    }

    // Each that was answered is there, and no other.
    private async Task<IReadOnlyList<string>> SubmittedAsync(Npgsql.NpgsqlConnection connection)
    {
        await using var command = new Npgsql.NpgsqlCommand("SELECT array_agg(job_id) FROM background_jobs", connection);
        var stored = ((Guid[])(await command.ExecuteScalarAsync())!).ToHashSet();
        return
        [
            .. _submitter.Submitted.Where(job => !stored.Contains(job)).Select(job => $"submitted job is not there: {job}"),
            .. stored.Except(_submitter.Submitted).Select(job => $"job is there that nobody submitted: {job}"),
        ];
    }

    private async Task<IReadOnlyList<string>> ReconcileAsync()
    {
        List<string> found = [];
        foreach (var team in bench.Tenants.Teams)
        {
            var report = (await bench.PostAsync($"/api/admin/reconciliation/run?team_id={team.TeamId}"))["team"]!;
            if (report["differences"]!.AsArray().Count + report["redis_differences"]!.AsArray().Count > 0)
            {
                found.Add($"the books do not agree: {report.ToJsonString()}");
            }
        }

        return found;
    }

    private List<string> Log() => [.. bench.Rig.Services.SelectMany(service => bench.Rig[service].Output.Select(line => $"{service} {line}"))];
}
