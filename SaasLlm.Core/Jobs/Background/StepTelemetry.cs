using System.Diagnostics.Metrics;

namespace SaasLlm.Core.Jobs.Background;

/// <summary>The metrics of background steps: the names are an interface.</summary>
internal sealed class StepTelemetry
{
    public const string Name = "SaasLlm.Jobs";

    private const string Outcome = "saasllm.jobs.outcome";

    private readonly Counter<long> _steps;
    private readonly Histogram<double> _duration;
    private readonly Histogram<double> _wait;
    private readonly UpDownCounter<long> _running;
    private readonly Counter<long> _leasesLost;
    private readonly Counter<long> _poisoned;
    private long _ready;

    public StepTelemetry(IMeterFactory meters)
    {
        var meter = meters.Create(Name);
        _steps = meter.CreateCounter<long>("saasllm.jobs.steps", "{step}", "Runs of background steps, by what became of the step and what was wrong.");
        _duration = meter.CreateHistogram<double>("saasllm.jobs.step.duration", "s", "How long runs of background steps took, from the claim to what was saved.");
        _wait = meter.CreateHistogram<double>("saasllm.jobs.step.wait", "s", "How long background steps were ready before a runner claimed them.");
        _running = meter.CreateUpDownCounter<long>("saasllm.jobs.steps.running", "{step}", "Background steps that run in this process.");
        meter.CreateObservableGauge(
            "saasllm.jobs.steps.ready", () => Volatile.Read(ref _ready), "{step}", "Background steps of all teams that are ready, and wait for a runner. Each runner tells the same.");
        _leasesLost = meter.CreateCounter<long>("saasllm.jobs.leases_lost", "{lease}", "Leases of background steps that ran out before their steps ended.");
        _poisoned = meter.CreateCounter<long>("saasllm.jobs.steps.poisoned", "{step}", "Background steps that failed since none of their runs came to an end.");
    }

    /// <param name="waited">Null: not known.</param>
    public void Claimed(TimeSpan? waited)
    {
        _running.Add(1);
        if (waited is { } known)
        {
            _wait.Record(known.TotalSeconds);
        }
    }

    /// <summary>A claimed step's run is over.</summary>
    /// <param name="verdict">Null: it succeeded.</param>
    public void Ran(StepVerdictKind? verdict, string? errorCode, TimeSpan duration)
    {
        var outcome = new KeyValuePair<string, object?>(Outcome, verdict switch
        {
            null => "succeeded",
            StepVerdictKind.Again => "put_back",
            StepVerdictKind.Failed => "failed",
            StepVerdictKind.JobEnded => "cancelled",
            StepVerdictKind.Lost => "lost",
            _ => throw new System.Diagnostics.UnreachableException(),
        });
        _running.Add(-1);
        _steps.Add(1, outcome, new("saasllm.jobs.error", errorCode ?? "none"));
        _duration.Record(duration.TotalSeconds, outcome);
    }

    /// <summary>Of all teams, as Postgres counts them.</summary>
    public void Ready(long steps) => Volatile.Write(ref _ready, steps);

    /// <summary>Steps whose runners no longer kept them, and those of them that failed for it.</summary>
    public void LeasesLost(int leases, int poisoned)
    {
        _leasesLost.Add(leases);
        _poisoned.Add(poisoned);
    }
}
