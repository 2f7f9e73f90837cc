using FluentValidation;
using SaasLlm.Core.Common;

namespace SaasLlm.ApiService.Teams;

internal static class TeamRules
{
    private const int GroupsMax = 200;

    /// <summary>Names of groups, each once; null passes.</summary>
    public static IRuleBuilderOptions<T, List<string>?> AreGroupNames<T>(this IRuleBuilder<T, List<string>?> rule)
        => rule
            .Must(names => names is null || names.Count <= GroupsMax).WithMessage($"must name at most {GroupsMax} groups")
            .Must(names => names is null || names.All(Names.IsGroupName)).WithMessage("each must match ^[A-Za-z0-9._-]{1,64}$")
            .Must(names => names is null || names.Distinct(StringComparer.Ordinal).Count() == names.Count).WithMessage("a group is there twice");
}
