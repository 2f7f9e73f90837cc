using FluentValidation;
using SaasLlm.Core.Llm.Gateway;
using SaasLlm.Core.ModelGroups;

namespace SaasLlm.ApiService.ModelGroups;

/// <param name="Priority">0 is primary, the rest are fallbacks in that order; left out, it is the place in the list.</param>
/// <param name="IsActive">True where it is left out.</param>
/// <param name="Gateway">One of the operator's configuration (`Gateways`) that serves the model; left out, it is the common gateway.</param>
internal sealed record GroupModelRequest(string? ModelName, int? Priority = null, bool? IsActive = null, string? Gateway = null);

internal static class GroupModelRules
{
    private const int CountMax = 50;
    private const int PriorityMax = 1000;

    /// <summary>One to fifty models of known gateways, no name at one of them and no priority twice.</summary>
    public static IRuleBuilderOptions<T, List<GroupModelRequest>?> AreGroupModels<T>(
        this IRuleBuilder<T, List<GroupModelRequest>?> rule, GatewayTargets gateways)
        => rule
            .Must(models => models is null || models.Count is > 0 and <= CountMax).WithMessage($"must name 1 to {CountMax} models")
            .Must(models => models is null || models.All(IsNamed)).WithMessage("each needs a model_name of 1 to 200 characters without spaces")
            .Must(models => models is null || models.All(model => model?.Priority is null or (>= 0 and <= PriorityMax)))
            .WithMessage($"a priority must be 0 to {PriorityMax}")
            .Must(models => models is null || AreDistinct(models.Select(model => (model?.ModelName, model?.Gateway?.ToUpperInvariant()))))
            .WithMessage("a model_name is there twice")
            .Must(models => models is null || models.All(model => gateways.Find(model?.Gateway) is not null))
            .WithMessage($"a gateway must be one of the configured ones: {Known(gateways)}")
            .Must(models => models is null || AreDistinct(models.Select((model, place) => model?.Priority ?? place)))
            .WithMessage("a priority is there twice");

    public static IReadOnlyList<GroupModel> ToModels(this List<GroupModelRequest> models)
        => [.. models.Select((model, place) => new GroupModel(model.ModelName!, model.Priority ?? place, model.IsActive ?? true, model.Gateway))];

    private static string Known(GatewayTargets gateways) => gateways.Names.Any() ? string.Join(", ", gateways.Names) : "there are none";

    private static bool IsNamed(GroupModelRequest? model)
        => model?.ModelName is { Length: > 0 and <= 200 } name && !name.Any(c => char.IsControl(c) || char.IsWhiteSpace(c));

    private static bool AreDistinct<T>(IEnumerable<T> values)
    {
        var seen = new HashSet<T>();
        return values.All(seen.Add);
    }
}
