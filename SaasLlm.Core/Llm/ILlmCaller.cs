using System.Text.Json;
using SaasLlm.Core.Common;

namespace SaasLlm.Core.Llm;

/// <summary>Makes one logical LLM call inside a job: resolves the group, walks its models, keeps the books through the ledger.</summary>
public interface ILlmCaller
{
    /// <summary>
    /// Runs the call to its end. A caller that leaves does not stop it: <paramref name="cancellation"/> only ends the wait for it.
    /// Failures are those of design section 6, for example 502 <c>llm.all_models_failed</c>, 400 <c>llm.request_rejected</c>, 404 <c>model_group.not_found</c>.
    /// </summary>
    Task<Result<LlmAnswer>> CallAsync(LlmCall call, CancellationToken cancellation);
}

/// <summary>A call as the tenant asked for it.</summary>
/// <param name="Body">The tenant's JSON object: messages and OpenAI's fields, without group, purpose or stream.</param>
public sealed record LlmCall(string TeamId, JobId JobId, string ModelGroup, string? Purpose, JsonElement Body);

/// <summary>The answer, clean of the model's name and of cost.</summary>
/// <param name="Response">An OpenAI chat completion written anew: its <c>model</c> is the group's name.</param>
public sealed record LlmAnswer(CallId CallId, JsonElement Response, long TokensUsed, int LatencyMs, string ModelGroup);
