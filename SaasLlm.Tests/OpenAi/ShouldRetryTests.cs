using Microsoft.AspNetCore.Http;
using SaasLlm.ApiService.OpenAi;

namespace SaasLlm.Tests.OpenAi;

/// <summary>OpenAI's clients repeat 409, 429 and 5xx unless they are told that it cannot help.</summary>
public sealed class ShouldRetryTests
{
    [Theory]
    [InlineData(402, "credits.insufficient", "false")]
    [InlineData(429, "jobs.limit", "false")]
    [InlineData(409, "idempotency.key_reused", "false")]
    [InlineData(409, "idempotency.outcome_unknown", "false")]
    [InlineData(409, "job.ended", "false")]
    [InlineData(409, "job.expired", "false")]
    [InlineData(409, "background.runs_itself", "false")]
    [InlineData(503, "pricing.unpriced", "false")]
    [InlineData(503, "llm.gateway_missing", "false")]
    [InlineData(409, "idempotency.in_progress", "")]
    [InlineData(503, "llm.key_pending", "")]
    [InlineData(503, "llm.gateway_unavailable", "")]
    [InlineData(502, "llm.all_models_failed", "")]
    public async Task What_no_repeat_can_mend_says_so(int status, string code, string expected)
    {
        var context = new DefaultHttpContext();

        await OpenAiError.WriteAsync(context, status, code, "No.", null, null);

        Assert.Equal((status, expected), (context.Response.StatusCode, context.Response.Headers["x-should-retry"].ToString()));
    }
}
