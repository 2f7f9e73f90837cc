using SaasLlm.Core.Common;

namespace SaasLlm.Core.Llm.Limits;

/// <summary>Says whether a call may run now.</summary>
internal interface ICallLimiter
{
    /// <summary>
    /// The admission, to be ended with the call; null where nothing limits it. 429 <c>rate_limit.exceeded</c>: nothing was counted.
    /// </summary>
    Task<Result<CallAdmission?>> AdmitAsync(LlmCall call, CallId callId, CallSize size, TimeSpan deadline, CancellationToken cancellation);
}
