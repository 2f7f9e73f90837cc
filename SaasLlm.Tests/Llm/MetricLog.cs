using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace SaasLlm.Tests.Llm;

/// <summary>Makes meters, and remembers what is measured with them and no others.</summary>
internal sealed class MetricLog : IMeterFactory
{
    private readonly ConcurrentBag<Meter> _meters = [];
    private readonly MeterListener _listener = new();

    public MetricLog()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (_meters.Contains(instrument.Meter))
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, (decimal)value, tags));
        _listener.Start();
    }

    /// <summary>In no order.</summary>
    public ConcurrentQueue<Measured> All { get; } = new();

    public IReadOnlyList<Measured> Of(string instrument) => [.. All.Where(one => one.Instrument.Name == instrument)];

    /// <summary>Has gauges measure now.</summary>
    public void Observe() => _listener.RecordObservableInstruments();

    public Meter Create(MeterOptions options)
    {
        var meter = new Meter(options);
        _meters.Add(meter);
        return meter;
    }

    public void Dispose()
    {
        _listener.Dispose();
        foreach (var meter in _meters)
        {
            meter.Dispose();
        }
    }

    private void Add(Instrument instrument, decimal value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        => All.Enqueue(new(instrument, value, tags.ToArray().ToDictionary()));

    internal sealed record Measured(Instrument Instrument, decimal Value, IReadOnlyDictionary<string, object?> Tags)
    {
        /// <summary><c>name=value</c>, in order.</summary>
        public IEnumerable<string> Texts => Tags.OrderBy(tag => tag.Key, StringComparer.Ordinal).Select(tag => $"{tag.Key}={tag.Value}");
    }
}
