using System.Collections.Frozen;
using System.Globalization;
using System.Text.Json;
using SaasLlm.Core.Llm.Requests;

namespace SaasLlm.Core.ModelGroups;

/// <summary>The kinds of values that settings have.</summary>
public enum GroupSettingKind
{
    /// <summary>A number, seconds included.</summary>
    Number,

    /// <summary>A whole number.</summary>
    Count,

    /// <summary>True or false.</summary>
    Flag,

    /// <summary>A list of names.</summary>
    Names,

    /// <summary>One of two words.</summary>
    Choice,
}

/// <summary>One setting of model groups: its name, what it may be, and what it does. Whoever reads, checks or documents settings reads this.</summary>
/// <param name="Min">Of a number.</param>
/// <param name="Max">Of a number.</param>
public sealed record GroupSetting(string Name, GroupSettingKind Kind, string Description, decimal Min = 0, decimal Max = 0)
{
    private const int NamesMax = 100;
    private const int NameLengthMax = 100;

    /// <summary>By name.</summary>
    public static FrozenDictionary<string, GroupSetting> All { get; } = new GroupSetting[]
    {
        new("timeout_seconds", GroupSettingKind.Number, "How long one attempt may take; of a stream, until its first content.", 0.1m, 3600)
        {
            Set = (settings, value) => settings with { Timeout = Seconds(value) },
        },
        new("deadline_seconds", GroupSettingKind.Number, "How long a call may take, all its attempts together.", 0.1m, 7200)
        {
            Set = (settings, value) => settings with { Deadline = Seconds(value) },
        },
        new("max_attempts", GroupSettingKind.Count, "How many models a call tries at the most.", 1, 50)
        {
            Set = (settings, value) => settings with { AttemptsMax = value.GetInt32() },
        },
        new("default_temperature", GroupSettingKind.Number, "Sent where a request names no temperature.", 0, 2)
        {
            Set = (settings, value) => settings with { DefaultTemperature = value.GetDecimal() },
        },
        new("max_temperature", GroupSettingKind.Number, "A request with a higher temperature is refused; below 1, it is sent where neither the request nor default_temperature names one.", 0, 2)
        {
            Set = (settings, value) => settings with { TemperatureMax = value.GetDecimal() },
        },
        new("default_output_tokens", GroupSettingKind.Count, "The longest answer of a request that names none.", 1, 10_000_000)
        {
            Set = (settings, value) => settings with { DefaultOutputTokens = value.GetInt32() },
        },
        new("max_output_tokens", GroupSettingKind.Count, "A request for a longer answer is refused; one that names none gets at most this.", 1, 10_000_000)
        {
            Set = (settings, value) => settings with { OutputTokensMax = value.GetInt32() },
        },
        new("allowed_fields", GroupSettingKind.Names, "Request fields beyond OpenAI's, passed on as they are.")
        {
            Set = (settings, value) => settings with { Fields = Texts(value) },
            Fault = value => Texts(value).FirstOrDefault(RequestFields.IsObeyed) is { } name ? $"holds '{name}', which no group can allow" : null,
        },
        new("allowed_tools", GroupSettingKind.Names, "Types of tools besides function and custom.")
        {
            Set = (settings, value) => settings with { ToolTypes = Texts(value) },
        },
        new("allow_any_address", GroupSettingKind.Flag, "Images and files of any scheme, not only https and data.")
        {
            Set = (settings, value) => settings with { AnyAddress = value.GetBoolean() },
        },
        new("content_policy", GroupSettingKind.Choice, "What follows when a provider's content policy refuses: stop (where it is left out), or the next model.")
        {
            Set = (settings, value) => settings with { ContentPolicyTriesNext = value.GetString() == "next" },
        },
        new("same_vectors", GroupSettingKind.Flag, "The embedding models are one model in several places: one may stand in for another.")
        {
            Set = (settings, value) => settings with { SameVectors = value.GetBoolean() },
        },
    }.ToFrozenDictionary(setting => setting.Name);

    /// <summary>The words of a <see cref="GroupSettingKind.Choice"/>.</summary>
    public static IReadOnlyList<string> Choices { get; } = ["stop", "next"];

    private Func<GroupSettings, JsonElement, GroupSettings> Set { get; init; } = (settings, _) => settings;

    // What is wrong with a value of the right kind.
    private Func<JsonElement, string?> Fault { get; init; } = _ => null;

    /// <summary>The settings with this one, or as they were and the value's fault.</summary>
    internal (GroupSettings Settings, string? Fault) Apply(GroupSettings settings, JsonElement value)
        => (IsOfKind(value) ? Fault(value) : Rule()) is { } fault ? (settings, fault) : (Set(settings, value), null);

    private bool IsOfKind(JsonElement value) => Kind switch
    {
        GroupSettingKind.Number => value.ValueKind == JsonValueKind.Number && value.TryGetDecimal(out var number) && number >= Min && number <= Max,
        GroupSettingKind.Count => value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var count) && count >= Min && count <= Max,
        GroupSettingKind.Flag => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        GroupSettingKind.Choice => value.ValueKind == JsonValueKind.String && Choices.Contains(value.GetString()),
        _ => value.ValueKind == JsonValueKind.Array && value.GetArrayLength() <= NamesMax
             && value.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String && item.GetString() is { Length: > 0 and <= NameLengthMax }),
    };

    private string Rule() => Kind switch
    {
        GroupSettingKind.Number => string.Create(CultureInfo.InvariantCulture, $"must be a number from {Min} to {Max}"),
        GroupSettingKind.Count => string.Create(CultureInfo.InvariantCulture, $"must be a whole number from {Min} to {Max}"),
        GroupSettingKind.Flag => "must be true or false",
        GroupSettingKind.Choice => $"must be {string.Join(" or ", Choices)}",
        _ => $"must be a list of up to {NamesMax} names of 1 to {NameLengthMax} characters",
    };

    private static TimeSpan Seconds(JsonElement value) => TimeSpan.FromTicks((long)(value.GetDecimal() * TimeSpan.TicksPerSecond));

    private static HashSet<string> Texts(JsonElement list) => [.. list.EnumerateArray().Select(item => item.GetString()!)];
}
