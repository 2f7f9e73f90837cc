using System.Text.Json;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Llm.Streaming;
using SaasLlm.Core.Teams;

namespace SaasLlm.Core.Llm;

/// <summary>Makes one logical LLM call inside a job: resolves the group, walks its models, keeps the books through the ledger.</summary>
public interface ILlmCaller
{
    /// <summary>
    /// Runs the call to its end. A caller that leaves does not stop it: <paramref name="cancellation"/> only ends the wait for it.
    /// Failures are those of design section 6, for example 502 <c>llm.all_models_failed</c>, 400 <c>llm.request_rejected</c>, 429 <c>rate_limit.exceeded</c>, 404 <c>model_group.not_found</c>.
    /// </summary>
    Task<Result<LlmAnswer>> CallAsync(LlmCall call, CancellationToken cancellation);

    /// <summary>
    /// Begins a call that answers as a stream. Returns with its first chunk, with its failure if that comes first, and after
    /// <paramref name="patience"/> in any case: until then another status than 200 is possible. A caller that leaves cancels nothing.
    /// </summary>
    Task<Result<LlmStream>> StreamAsync(LlmCall call, TimeSpan patience, CancellationToken cancellation);
}

/// <summary>A call as the tenant asked for it.</summary>
/// <param name="NewJob">The job that the call is all of: it opens with the call and ends with it. Null: the job is open.</param>
/// <param name="Body">The tenant's JSON object: messages or input and OpenAI's fields, without group, purpose or stream.</param>
public sealed record LlmCall(
    string TeamId, JobId JobId, string ModelGroup, string? Purpose, JsonElement Body, OpenJob? NewJob = null, LlmRoute Route = LlmRoute.Chat)
{
    /// <summary>The key that it is made with; null: the operator's, so that the team's own limits hold alone.</summary>
    public TeamCaller? Caller { get; init; }

    /// <summary>The request's body as the tenant sent it: where the team keeps bodies, it is kept with the answer. Null: nothing is kept.</summary>
    public JsonElement? Sent { get; init; }

    /// <summary>The answer as the route writes it, of a chat's and its usage (null of a stream): so it is kept. Null: it is the chat's own.</summary>
    public Func<JsonElement, TokenUsage?, JsonElement>? AsAnswered { get; init; }

    /// <summary>One of the calls that its job was submitted with: the job's max_calls is not asked again.</summary>
    public bool IsPlanned { get; init; }

    /// <summary>Told where the limits stand, before the call is answered; not where nothing limits it.</summary>
    public Action<RateStatus>? Measured { get; init; }

    /// <summary>Tells how the call's time is spent, while it runs and after; null: nobody here asks.</summary>
    public CallClock? Clock { get; init; }

    /// <summary>
    /// Given the answer of a call that succeeded (of a stream its last event), before the ledger bills it: what it stores is durable before it
    /// costs anything. It may come again after a crash of Postgres, so it must bear repeating. False means that the caller no longer owns the
    /// work (its lease is lost): the call ends as failed, 409 <c>llm.answer_not_kept</c>, its cost is recorded and not billed. So it is if it
    /// throws; only where the store was gone it is asked again, until the call's deadline. The token ends with that deadline. If it is not known
    /// by then whether the answer was kept, it is 503 <c>store.outcome_unknown</c>, and the call stays open: who kept it ends it.
    /// </summary>
    public Func<LlmAnswer, CancellationToken, Task<bool>>? Answered { get; init; }
}

/// <summary>The answer, clean of the model's name and of cost.</summary>
/// <param name="Response">OpenAI's answer of the route, written anew: its <c>model</c> is the group's name. Of a stream, its last event, or undefined.</param>
/// <param name="Job">The end of the job that was all this call; null where the job goes on.</param>
public sealed record LlmAnswer(CallId CallId, JsonElement Response, TokenUsage Usage, int LatencyMs, string ModelGroup, ClosedJob? Job = null)
{
    /// <summary>What the ledger is told of the call: who keeps it with the answer can tell it in place of a process that died.</summary>
    internal EndCall? End { get; init; }
}
