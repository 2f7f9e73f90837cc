namespace SaasLlm.Core.Webhooks;

/// <summary>The events there are, and how an endpoint names those it wants.</summary>
public static class WebhookEvents
{
    /// <summary>Sent on demand, to one endpoint.</summary>
    public const string Test = "webhook.test";

    /// <summary>An endpoint was switched off.</summary>
    public const string Disabled = "webhook.disabled";

    /// <summary>All there are, in the order of the documentation.</summary>
    public static IReadOnlyList<WebhookEvent> All { get; } =
    [
        new("job.created", "A job was opened.", ByName: true),
        new("job.started", "A job's first call began.", ByName: true),
        new("job.progress", "A background job came another tenth further.", ByName: true),
        new("job.completed", "A job ended well, and was charged where it costs."),
        new("job.failed", "A job ended as failed; nothing was charged."),
        new("job.cancelled", "A job was cancelled; nothing was charged."),
        new("job.expired", "A job passed its deadline; nothing was charged."),
        new("job.uncollected", "A job ended with credits due that were not there to be taken."),
        new("credits.added", "Credits were granted to a team; what it was made with is not told."),
        new("credits.low", "Remaining credits fell to a threshold of the team."),
        new("credits.recovered", "Remaining credits rose above a threshold of the team."),
        new("credits.exhausted", "Remaining credits reached zero."),
        new("team.suspended", "A team was suspended."),
        new("team.resumed", "A suspended team was resumed."),
        new("team.uncharged_cost", "What the month's uncharged jobs cost passed the team's threshold."),
        new("key.rotated", "A key of a team was replaced by a new one."),
        new(Disabled, "An endpoint was switched off: its receiver said 410, or failed for days."),
    ];

    /// <summary>Sent only where an endpoint names them, or their area: there is one or more for every job.</summary>
    internal static string[] ByName { get; } = [.. All.Where(known => known.ByName).Select(known => known.Name)];

    /// <summary>The filters that make a team raise <c>job.created</c> and <c>job.started</c> at all.</summary>
    internal static string[] JobEventFilters { get; } = ["job.*", "job.created", "job.started"];

    private static readonly HashSet<string> s_filters =
        [.. All.Select(known => known.Name), .. All.Select(known => known.Name.Split('.')[0] + ".*")];

    /// <summary>An event's name, or <c>area.*</c>.</summary>
    public static bool IsFilter(string? name) => name is not null && s_filters.Contains(name);
}

/// <summary>A kind of event.</summary>
/// <param name="ByName">Only for endpoints that ask for it.</param>
public sealed record WebhookEvent(string Name, string Meaning, bool ByName = false);
