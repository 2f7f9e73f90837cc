using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace SaasLlm.Core.Credits;

/// <summary>The ledger's traces and metrics: the names are an interface.</summary>
internal sealed class LedgerTelemetry
{
    public const string Name = "SaasLlm.Credits";

    public static readonly ActivitySource Source = new(Name);

    private const int LinksMax = 32;
    private readonly Counter<long> _commands;
    private readonly Histogram<double> _commandDuration;
    private readonly Histogram<int> _batchSize;
    private readonly Histogram<double> _batchDuration;
    private readonly Counter<long> _refusals;
    private readonly Counter<long> _redisMisses;
    private readonly Counter<long> _lostReplies;
    private readonly Counter<double> _uncollected;

    public LedgerTelemetry(IMeterFactory meters)
    {
        var meter = meters.Create(Name);
        _commands = meter.CreateCounter<long>("saasllm.credits.commands", "{command}", "Ledger commands answered.");
        _commandDuration = meter.CreateHistogram<double>("saasllm.credits.command.duration", "s", "From asking the writer to its answer.");
        _batchSize = meter.CreateHistogram<int>("saasllm.credits.batch.size", "{command}", "Commands that shared a transaction.");
        _batchDuration = meter.CreateHistogram<double>("saasllm.credits.batch.duration", "s", "One transaction of the writer.");
        _refusals = meter.CreateCounter<long>("saasllm.credits.refusals", "{refusal}", "Jobs refused before the writer was asked.");
        _redisMisses = meter.CreateCounter<long>("saasllm.credits.redis.misses", "{call}", "Calls that Redis did not answer: Postgres decided alone.");
        _lostReplies = meter.CreateCounter<long>("saasllm.credits.commit.lost_replies", "{commit}", "Commits whose reply was lost, by what the look-up found.");
        _uncollected = meter.CreateCounter<double>("saasllm.credits.uncollected", "{credit}", "Credits that were due at a job's end and not there to be taken.");
    }

    /// <summary>A transaction serves many callers: it shows in the trace of the first, and links to the others.</summary>
    public static Activity? StartBatch(IEnumerable<ActivityContext> callers)
    {
        if (!Source.HasListeners())
        {
            return null;
        }

        var traced = callers.Where(caller => (caller.TraceFlags & ActivityTraceFlags.Recorded) != 0).Take(LinksMax).ToList();
        return traced is [var first, .. var others]
            ? Source.StartActivity("commit batch", ActivityKind.Internal, first, links: others.Select(caller => new ActivityLink(caller)))
            : null;
    }

    public void Answered(string kind, string outcome, TimeSpan duration)
    {
        var (kindTag, outcomeTag) = (Tag("saasllm.credits.command", kind), Tag("saasllm.credits.outcome", outcome));
        _commands.Add(1, kindTag, outcomeTag);
        _commandDuration.Record(duration.TotalSeconds, kindTag);
    }

    public void Batch(int size, TimeSpan duration)
    {
        _batchSize.Record(size);
        _batchDuration.Record(duration.TotalSeconds);
    }

    /// <param name="by"><c>redis</c> or <c>postgres</c>.</param>
    public void Refused(string by) => _refusals.Add(1, Tag("saasllm.credits.decided_by", by));

    public void RedisMissed(string what, string why)
        => _redisMisses.Add(1, Tag("saasllm.credits.redis.script", what), Tag("saasllm.credits.redis.reason", why));

    /// <param name="found"><c>committed</c>, <c>not_committed</c> or <c>unknown</c>.</param>
    public void LostReply(string found) => _lostReplies.Add(1, Tag("saasllm.credits.outcome", found));

    /// <param name="credits">OpenTelemetry counts no decimals; the exact amount is on the job.</param>
    public void Uncollected(decimal credits)
    {
        if (credits > 0)
        {
            _uncollected.Add((double)credits);
        }
    }

    private static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);
}
