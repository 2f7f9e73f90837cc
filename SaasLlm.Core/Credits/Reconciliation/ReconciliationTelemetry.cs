using System.Diagnostics.Metrics;

namespace SaasLlm.Core.Credits.Reconciliation;

/// <summary>The feature's instruments.</summary>
internal sealed class ReconciliationTelemetry
{
    private const string KindTag = "saasllm.credits.difference.kind";

    private readonly Counter<long> _teams;
    private readonly Counter<long> _repaired;
    private volatile IReadOnlyDictionary<string, long>? _standing;

    public ReconciliationTelemetry(IMeterFactory meters)
    {
        var meter = meters.Create(LedgerTelemetry.Name);
        meter.CreateObservableGauge(
            "saasllm.credits.reconciliation.differences", Measure, "{difference}", "Differences inside Postgres that stand, by kind.");
        _teams = meter.CreateCounter<long>("saasllm.credits.reconciliation.teams", "{team}", "Teams whose books were checked.");
        _repaired = meter.CreateCounter<long>(
            "saasllm.credits.reconciliation.repaired", "{difference}", "Differences between Redis and Postgres that were repaired in Redis.");
    }

    public void Checked(int teams) => _teams.Add(teams);

    /// <param name="kind">One of <see cref="DifferenceKind.InRedis"/>.</param>
    public void Repaired(string kind) => _repaired.Add(1, Tag(kind));

    /// <summary>How many of each kind stand now; what is not named stands at 0.</summary>
    public void Standing(IReadOnlyDictionary<string, long> byKind) => _standing = byKind;

    // Nothing until it is known: a process that never looked must not report that all is well.
    private IEnumerable<Measurement<long>> Measure() => _standing is { } standing
        ? DifferenceKind.InPostgres.Select(kind => new Measurement<long>(standing.GetValueOrDefault(kind), Tag(kind)))
        : [];

    private static KeyValuePair<string, object?> Tag(string kind) => new(KindTag, kind);
}
