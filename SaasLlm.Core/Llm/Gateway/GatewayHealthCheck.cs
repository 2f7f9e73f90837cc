using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace SaasLlm.Core.Llm.Gateway;

/// <summary>Whether the gateway answers; asked at most every few seconds, so that probes of many replicas do not load it.</summary>
internal sealed class GatewayHealthCheck(GatewayAdmin gateway, GatewayReplicas replicas, TimeProvider time) : IHealthCheck
{
    public const string Name = "gateway";

    private static readonly TimeSpan s_lifetime = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan s_answerMax = TimeSpan.FromSeconds(2);

    private State? _last;

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var last = Volatile.Read(ref _last);
        if (last is null || time.GetElapsedTime(last.AskedAt) > s_lifetime)
        {
            last = new(await AskAsync(cancellationToken), time.GetTimestamp());
            Volatile.Write(ref _last, last);
        }

        return (last.IsAlive, replicas.Resting) switch
        {
            (false, _) => new(context.Registration.FailureStatus, "the gateway does not answer"),
            (true, 0) => HealthCheckResult.Healthy(),
            (true, var resting) => new(context.Registration.FailureStatus, $"{resting} of the gateway's {replicas.Count} addresses cannot be reached"),
        };
    }

    private async Task<bool> AskAsync(CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(s_answerMax);
        try
        {
            return await gateway.IsAliveAsync(limit.Token);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException || (exception is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            return false;
        }
    }

    private sealed record State(bool IsAlive, long AskedAt);
}
