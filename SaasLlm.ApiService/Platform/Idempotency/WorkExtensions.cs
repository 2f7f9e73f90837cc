using SaasLlm.Core.Idempotency;

namespace SaasLlm.ApiService.Platform.Idempotency;

internal static class WorkExtensions
{
    /// <summary>The request's work: every POST that makes something takes its id from it.</summary>
    public static IdempotentWork GetWork(this HttpContext context, TimeProvider time)
        => context.Features.Get<IdempotentWork>() ?? IdempotentWork.Once(time);
}
