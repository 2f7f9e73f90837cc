using FastEndpoints;
using SaasLlm.Core.Usage;

namespace SaasLlm.ApiService.Usage;

internal static class UsageAnswer
{
    /// <summary>Answers a valid request with its report, as a page or as CSV.</summary>
    /// <param name="id">The team's or the organization's; null: it is everybody's.</param>
    /// <param name="query">What the request asks for.</param>
    public static async Task UsageAsync<TRequest>(
        this ResponseSender<TRequest, UsageResponse> sender, TRequest request, string? id, UsageQuery query, bool isOperator, UsageReader usage,
        TimeProvider time, CancellationToken cancellation)
        where TRequest : IUsageRequest
    {
        if (request.WantsCsv(sender.HttpContext))
        {
            await UsageCsv.WriteAsync(sender.HttpContext, usage, time, query, isOperator, cancellation);
            return;
        }

        var report = await usage.ReadAsync(query, request.Keys(), request.LimitOf(), cancellation);
        await sender.OkAsync(UsageResponse.Of(id, request.PeriodOf(time), query, report, isOperator), cancellation);
    }
}
