using System.Text.Json;

namespace SaasLlm.Core.ModelGroups;

/// <summary>What a group allows and limits beyond the defaults, for example <c>{"allowed_fields": ["top_k"], "timeout_seconds": 30}</c>.</summary>
public sealed record GroupSettings
{
    /// <summary>Nothing beyond the defaults.</summary>
    public static readonly GroupSettings None = new();

    /// <summary>How long one attempt may take; of a stream, until its first content. Null: <c>Gateway:AttemptTimeout</c>.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>How long a call may take, all its attempts together. Null: <c>Gateway:CallTimeout</c>.</summary>
    public TimeSpan? Deadline { get; init; }

    /// <summary>How many models a call tries at the most; null: all of them.</summary>
    public int? AttemptsMax { get; init; }

    /// <summary>Sent where a request names no temperature.</summary>
    public decimal? DefaultTemperature { get; init; }

    /// <summary>A request above it is refused.</summary>
    public decimal? TemperatureMax { get; init; }

    /// <summary>Sent where a request names no temperature; null sends nothing. Models take 1 then, which a lower ceiling does not allow.</summary>
    public decimal? UnnamedTemperature => DefaultTemperature ?? (TemperatureMax < 1 ? TemperatureMax : null);

    /// <summary>The longest answer, in tokens, where a request names none.</summary>
    public int? DefaultOutputTokens { get; init; }

    /// <summary>A request for a longer answer, in tokens, is refused; one that names none gets at most this.</summary>
    public int? OutputTokensMax { get; init; }

    /// <summary>Further request fields, passed on as they are.</summary>
    public IReadOnlySet<string> Fields { get; init; } = new HashSet<string>();

    /// <summary>Tool types besides <c>function</c> and <c>custom</c>.</summary>
    public IReadOnlySet<string> ToolTypes { get; init; } = new HashSet<string>();

    /// <summary>File and image addresses of any scheme.</summary>
    public bool AnyAddress { get; init; }

    /// <summary>A refusal by content policy tries the next model instead of stopping.</summary>
    public bool ContentPolicyTriesNext { get; init; }

    /// <summary>The group's embedding models are one model in several places, so that one may stand in for another.</summary>
    public bool SameVectors { get; init; }

    /// <summary>The longest answer of a request that names none; null where the group says nothing of it.</summary>
    public int? UnnamedOutputTokens => DefaultOutputTokens ?? OutputTokensMax;

    /// <summary>Reads stored settings. What is wrong counts as left out: it was stored before it was checked.</summary>
    public static GroupSettings Read(string json)
    {
        using var document = JsonDocument.Parse(string.IsNullOrWhiteSpace(json) ? "{}" : json);
        return document.RootElement.ValueKind == JsonValueKind.Object ? Read(document.RootElement, out _) : None;
    }

    /// <summary>Reads settings, and what is wrong with them by name.</summary>
    /// <param name="json">A JSON object.</param>
    public static GroupSettings Read(JsonElement json, out IReadOnlyList<(string Name, string Fault)> faults)
    {
        var found = new List<(string, string)>();
        var settings = None;
        foreach (var member in json.EnumerateObject())
        {
            if (!GroupSetting.All.TryGetValue(member.Name, out var setting))
            {
                found.Add((member.Name, "is not a setting of model groups"));
            }
            else if (member.Value.ValueKind != JsonValueKind.Null)
            {
                (settings, var fault) = setting.Apply(settings, member.Value);
                if (fault is not null)
                {
                    found.Add((member.Name, fault));
                }
            }
        }

        found.AddRange(settings.Contradictions());
        faults = found;
        return settings;
    }

    private IEnumerable<(string, string)> Contradictions()
    {
        if (Timeout > Deadline)
        {
            yield return ("timeout_seconds", "must not be longer than deadline_seconds");
        }

        if (DefaultTemperature > TemperatureMax)
        {
            yield return ("default_temperature", "must not be above max_temperature");
        }

        if (DefaultOutputTokens > OutputTokensMax)
        {
            yield return ("default_output_tokens", "must not be above max_output_tokens");
        }
    }
}
