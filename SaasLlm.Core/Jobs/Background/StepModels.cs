using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Teams;

namespace SaasLlm.Core.Jobs.Background;

/// <summary>A step that this runner may run while it keeps the lease.</summary>
/// <param name="Token">The fence: who has another one may not save.</param>
/// <param name="Template">Of a batch, what its steps share.</param>
internal sealed record ClaimedStep(
    StepId Id, Guid Token, string ModelGroup, string? Purpose, byte[] Request, byte[]? Template, int Tries, int MaxTries, TimeSpan? Waited)
{
    /// <summary>The key that submitted the job, with its limits; null: the operator did, or the key is no more.</summary>
    public TeamCaller? Caller { get; init; }
}

/// <summary>What becomes of a claimed step.</summary>
internal abstract record StepOutcome(StepId Id, Guid Token);

/// <summary>It ended.</summary>
/// <param name="Output">What the model answered, encrypted; null: it failed.</param>
/// <param name="CallEnd">The call's end, encrypted, so that another process can tell the ledger.</param>
internal sealed record StepEnded(
    StepId Id, Guid Token, byte[]? Output, byte[]? CallEnd, CallId? CallId, TokenUsage Usage, int? LatencyMs, Failure? Failure) : StepOutcome(Id, Token)
{
    public string Status => Failure is null ? StepStatus.Succeeded : StepStatus.Failed;

    public static StepEnded Failed(StepId id, Guid token, Failure failure) => new(id, token, null, null, null, default, null, failure);
}

/// <summary>It is tried again.</summary>
/// <param name="Counts">As one of its tries.</param>
internal sealed record StepPutBack(StepId Id, Guid Token, TimeSpan Wait, bool Counts, Failure Failure) : StepOutcome(Id, Token);
