using System.Diagnostics;
using OpenTelemetry.Trace;

namespace SaasLlm.ServiceDefaults;

/// <summary>Leaves out what is asked by the clock: health probes, and a background loop's looks into the database.</summary>
internal sealed class QuietSampler : Sampler
{
    public override SamplingResult ShouldSample(in SamplingParameters samplingParameters)
        => new(IsProbe(samplingParameters) || IsPolling(samplingParameters) ? SamplingDecision.Drop : SamplingDecision.RecordAndSample);

    private static bool IsProbe(in SamplingParameters span)
        => span.Kind == ActivityKind.Server
           && span.Tags?.Any(tag => tag is { Key: "url.path", Value: "/health" or "/alive" or "/health/liveliness" }) == true;

    // This sampler sees roots only: a statement of a request or a job has a parent.
    private static bool IsPolling(in SamplingParameters span)
        => span.Kind == ActivityKind.Client && (span.Name == "postgresql" || span.Name.StartsWith("CONNECT", StringComparison.Ordinal));
}
