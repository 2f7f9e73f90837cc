using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Llm;

namespace SaasLlm.ApiService.OpenAi;

/// <summary>The last chunk of a stream whose client asked for usage; with what the job cost.</summary>
internal sealed record UsageChunk(
    string Id, string Object, long Created, string Model, IReadOnlyList<object> Choices, ChatUsage Usage, UsageJob Saasllm)
{
    public static UsageChunk Of(LlmAnswer answer, JobId job, DateTimeOffset created) => new(
        $"chatcmpl-{answer.CallId.Value:N}", "chat.completion.chunk", created.ToUnixTimeSeconds(), answer.ModelGroup, [],
        ChatUsage.Of(answer.Usage), UsageJob.Of(answer, job));
}

internal sealed record ChatUsage(
    long PromptTokens, long CompletionTokens, long TotalTokens, InputDetails PromptTokensDetails, OutputDetails CompletionTokensDetails)
{
    public static ChatUsage Of(TokenUsage usage)
        => new(usage.Input, usage.Output, usage.Total, new InputDetails(usage.CachedInput), new OutputDetails(usage.Reasoning));
}

internal sealed record InputDetails(long CachedTokens);

internal sealed record OutputDetails(long ReasoningTokens);

/// <param name="CreditsCharged">Null where the job goes on.</param>
internal sealed record UsageJob(Guid JobId, decimal? CreditsCharged, decimal? CreditsRemaining)
{
    public static UsageJob Of(LlmAnswer answer, JobId job) => new(job.Value, answer.Job?.CreditsCharged, answer.Job?.CreditsRemaining);
}
