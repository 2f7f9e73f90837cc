using FluentValidation;
using SaasLlm.Core.Webhooks;

namespace SaasLlm.ApiService.Webhooks;

internal static class WebhookRules
{
    public const int DescriptionMax = 500;

    /// <summary>Events that there are, or <c>area.*</c>, each once; null passes.</summary>
    public static IRuleBuilderOptions<T, List<string>?> AreEventFilters<T>(this IRuleBuilder<T, List<string>?> rule)
        => rule
            .Must(events => events is null || events.All(WebhookEvents.IsFilter))
            .WithMessage($"must name events or areas (job.*): {string.Join(", ", WebhookEvents.All.Select(known => known.Name))}")
            .Must(events => events is null || events.Distinct(StringComparer.Ordinal).Count() == events.Count).WithMessage("an event is there twice");
}
