using Microsoft.Extensions.Options;
using SaasLlm.Core.Common;
using SaasLlm.Core.Teams;

namespace SaasLlm.Core.Llm.Bodies;

/// <summary>Says of which calls the bodies are kept.</summary>
internal interface ICallRecorder
{
    /// <summary>Null: its team keeps none, or nobody gave its request.</summary>
    /// <exception cref="Npgsql.NpgsqlException">Postgres did not answer.</exception>
    ValueTask<CallRecording?> BeginAsync(LlmCall call, CallId callId, string modelGroup, CancellationToken cancellation);
}

/// <summary>By the setting of the call's team: its key brings it along, and for the operator it is in memory.</summary>
internal sealed class CallRecorder(TeamLimits teams, CallBodyQueue queue, IOptions<CallBodyOptions> options) : ICallRecorder
{
    public async ValueTask<CallRecording?> BeginAsync(LlmCall call, CallId callId, string modelGroup, CancellationToken cancellation)
        => call.Sent is not null
            && (call.Caller is { } caller ? caller.KeepBodiesDays : await teams.KeepBodiesDaysAsync(call.TeamId, cancellation)) is { } days
                ? new(call, callId, modelGroup, days, options.Value.BytesMax, queue)
                : null;
}
