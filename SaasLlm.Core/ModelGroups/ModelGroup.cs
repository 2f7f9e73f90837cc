namespace SaasLlm.Core.ModelGroups;

/// <summary>A named, ordered list of models; what an application names instead of a model.</summary>
public sealed class ModelGroup
{
    /// <summary><c>^[A-Za-z0-9._-]{1,64}$</c>.</summary>
    public required string GroupName { get; init; }

    public required string DisplayName { get; set; }

    public string Description { get; set; } = "";

    /// <summary><c>chat</c> or <c>embedding</c>.</summary>
    public string Kind { get; set; } = "chat";

    /// <summary><c>active</c> or <c>inactive</c>.</summary>
    public string Status { get; set; } = "active";

    /// <summary>What the group allows and limits beyond the defaults: a JSON object.</summary>
    public string Settings { get; set; } = "{}";

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; set; }

    /// <summary>Unordered; sort by <see cref="ModelGroupModel.Priority"/>.</summary>
    public List<ModelGroupModel> Models { get; init; } = [];
}

/// <summary>One model of a group. Priority 0 is primary; the rest are fallbacks in that order.</summary>
public sealed class ModelGroupModel
{
    public required string GroupName { get; init; }

    public required int Priority { get; init; }

    public required string ModelName { get; set; }

    public bool IsActive { get; set; } = true;

    /// <summary>Where it is asked for: a name of the configuration's <c>Gateways</c>, or null for the common one.</summary>
    public string? Gateway { get; set; }
}

/// <summary>A team may use a group.</summary>
public sealed class TeamModelGroup
{
    public required string TeamId { get; init; }

    public required string GroupName { get; init; }

    public DateTimeOffset GrantedAt { get; init; }
}
