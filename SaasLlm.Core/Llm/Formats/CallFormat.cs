using System.Diagnostics;
using System.Text.Json;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Llm.Requests;
using SaasLlm.Core.Llm.Responses;
using SaasLlm.Core.Llm.Streaming;
using SaasLlm.Core.ModelGroups;

namespace SaasLlm.Core.Llm.Formats;

/// <summary>What differs between OpenAI's routes: where a call goes, what its body may hold, and what its answer is.</summary>
internal abstract class CallFormat
{
    /// <summary>At the gateway, for example <c>v1/chat/completions</c>.</summary>
    public abstract string Path { get; }

    /// <summary>What telemetry calls it.</summary>
    public virtual string Operation => "chat";

    public abstract RequestFields Fields { get; }

    /// <summary>The field that names the longest answer, in tokens; null where there is no such thing.</summary>
    public abstract string? OutputLimitField { get; }

    /// <summary>True for that field, by any name it has.</summary>
    public virtual bool IsOutputLimit(string field) => field == OutputLimitField;

    /// <summary>The kind of model group that serves a route: <c>chat</c> or <c>embedding</c>.</summary>
    public static string GroupKindOf(LlmRoute route) => route == LlmRoute.Embeddings ? "embedding" : "chat";

    /// <summary>Where LiteLLM reads what it keeps with a call.</summary>
    public virtual string MetadataField => "metadata";

    /// <summary>The one model that can answer; null: any of the group's.</summary>
    public virtual string? OnlyModel => null;

    /// <param name="request">The body, an object.</param>
    /// <param name="ids">Needed for <see cref="LlmRoute.Responses"/>.</param>
    public static CallFormat Of(LlmRoute route, JsonElement request, string teamId, ResponseIds? ids) => route switch
    {
        LlmRoute.Chat => ChatFormat.Instance,
        LlmRoute.Embeddings => new EmbeddingsFormat(request),
        LlmRoute.Responses => new ResponsesFormat(request, teamId, ids!),
        _ => throw new UnreachableException(),
    };

    /// <summary>The first fault in the values of a body whose names are right, or null.</summary>
    public abstract (string Field, string Sentence)? FirstFault(JsonElement body, GroupSettings settings);

    /// <summary>What a checked body refers to and is not the team's, as 404; null when all is there.</summary>
    public virtual Failure? Missing(JsonElement body) => null;

    /// <summary>The addresses of a checked body's pictures.</summary>
    public virtual IEnumerable<JsonElement> Pictures(JsonElement body) => [];

    /// <summary>How much a checked body asks for.</summary>
    public abstract RequestSize SizeOf(JsonElement body);

    /// <summary>What says whether it streams: members of a JSON object, with a comma before each.</summary>
    public abstract ReadOnlySpan<byte> Mode(bool isStream);

    /// <summary>Writes a field that is passed on.</summary>
    public virtual void WriteField(Utf8JsonWriter writer, JsonProperty field) => field.WriteTo(writer);

    /// <summary>True if the answer holds something to give.</summary>
    public abstract bool HasResult(JsonElement answer);

    /// <summary>Tokens by class; null when the answer says nothing of them.</summary>
    public abstract TokenUsage? Usage(JsonElement answer);

    /// <summary>The answer for the tenant. Throws <see cref="InvalidOperationException"/> for text that no JSON writer can write.</summary>
    public abstract JsonElement Write(JsonElement answer, AnswerNames names, TokenUsage? usage);

    /// <summary>Reads one stream of such answers.</summary>
    public abstract AnswerReader NewReader(AnswerNames names);
}

/// <summary>What an answer is named by.</summary>
/// <param name="Model">The model that gives it; the tenant never sees it.</param>
internal sealed record AnswerNames(CallId CallId, string ModelGroup, DateTimeOffset CreatedAt, string Model);

/// <summary>How much a request asks for, for its estimate.</summary>
/// <param name="MaxOutputTokens">The longest answer it names; null when it names none.</param>
/// <param name="Choices">How many answers; 0 where an answer has no tokens.</param>
/// <param name="PromptTokensMin">Tokens that it counts out itself.</param>
internal readonly record struct RequestSize(int? MaxOutputTokens, int Choices, int PromptTokensMin = 0);
