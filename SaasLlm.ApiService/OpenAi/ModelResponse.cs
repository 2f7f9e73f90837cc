using SaasLlm.Core.Common;
using SaasLlm.Core.ModelGroups;

namespace SaasLlm.ApiService.OpenAi;

/// <summary>A model group, as OpenAI's API describes a model.</summary>
/// <param name="Created">Seconds since 1970.</param>
/// <param name="Mode"><c>chat</c> or <c>embedding</c>: which routes take it.</param>
internal sealed record ModelResponse(string Id, string Object, long Created, string OwnedBy, string Mode)
{
    public static readonly ModelResponse Example = new("SummaryAgent", "model", 1767225600, "saasllm", "chat");

    /// <summary>The operator has no groups of its own.</summary>
    public static readonly Failure TeamKeyNeeded =
        new(FailureKind.Forbidden, "access.team_key_needed", "The models listed here are those granted to a team: call this route with a team's key.");

    public static ModelResponse From(ResolvedModelGroup group)
        => new(group.GroupName, "model", group.CreatedAt.ToUnixTimeSeconds(), "saasllm", group.Kind);
}
