using SaasLlm.Core.Common;

namespace SaasLlm.Core.ModelGroups;

/// <summary>Finds what a group's name means for a team: memory, then Redis, then Postgres; a change reaches every replica within a second.</summary>
public interface IModelGroupResolver
{
    /// <summary>404 <c>model_group.not_found</c> when the group does not exist, is inactive, or is not granted to the team.</summary>
    ValueTask<Result<ResolvedModelGroup>> ResolveAsync(string teamId, string groupName, CancellationToken cancellation);

    /// <summary>All that <see cref="ResolveAsync"/> finds for the team, by name.</summary>
    ValueTask<IReadOnlyList<ResolvedModelGroup>> ListAsync(string teamId, CancellationToken cancellation);
}

/// <summary>A group as a call uses it.</summary>
/// <param name="Kind"><c>chat</c> or <c>embedding</c>.</param>
/// <param name="Models">Active models by priority, primary first.</param>
public sealed record ResolvedModelGroup(string GroupName, string Kind, IReadOnlyList<ResolvedModel> Models, GroupSettings Settings, DateTimeOffset CreatedAt = default);

/// <summary>A model of a group.</summary>
/// <param name="Gateway">Where it is asked for: a name of the configuration's <c>Gateways</c>, or null for the common one.</param>
public sealed record ResolvedModel(string Name, string? Gateway = null);
