using System.Globalization;
using System.Text.RegularExpressions;

namespace SaasLlm.LiteLlmSimulator.Playing;

/// <summary>The names after <c>mock/</c>: short ones for recordings, and some that the simulator does itself.</summary>
internal static partial class Aliases
{
    private static readonly Dictionary<string, (string Plain, string Stream)> s_recordings = new()
    {
        ["400"] = Both("inference/errors/upstream-400"),
        ["401"] = Both("inference/errors/upstream-401"),
        ["402"] = Both("inference/cooldown/single-deployment-402"),
        ["403"] = Both("inference/errors/upstream-403"),
        ["404"] = Both("inference/errors/upstream-404"),
        ["408"] = Both("inference/errors/upstream-408"),
        ["409"] = Both("inference/errors/upstream-409"),
        ["413"] = Both("inference/errors/upstream-413"),
        ["422"] = Both("inference/errors/upstream-422"),
        ["429"] = Both("inference/errors/upstream-429"),
        ["500"] = Both("inference/errors/upstream-500"),
        ["502"] = Both("inference/errors/upstream-html-502"),
        ["503"] = Both("inference/errors/upstream-503"),
        ["504"] = Both("inference/errors/upstream-504"),
        ["529"] = Both("inference/errors/upstream-529"),
        ["context"] = Both("inference/errors/upstream-400-context"),
        ["content-policy"] = Both("inference/errors/upstream-400-content-policy"),
        ["budget"] = Both("management/budgets/key-exceeded"),
        ["key-rate-limit"] = Both("management/limits/key-rpm-exceeded"),
        ["cooldown"] = Both("inference/cooldown/two-deployments-500"),
        ["unknown-key"] = Both("management/access/unknown-sk-key"),
        ["blocked-key"] = Both("management/keys/block-then-call"),
        ["expired-key"] = Both("management/keys/expired-then-call"),
        ["model-denied"] = Both("management/access/key-model-denied"),
        ["team-gone"] = Both("management/access/key-of-unknown-team"),
        ["database-lost"] = Both("management/outage/uncached-key"),
        ["empty"] = ("inference/chat/empty-choices", "inference/stream/nothing"),
        ["empty-stream"] = ("inference/chat/empty-choices", "inference/stream/nothing"),
        ["no-usage"] = ("inference/chat/no-usage", "inference/stream/include-usage-not-sent"),
        ["refusal"] = ("inference/chat/refusal", "inference/stream/refusal"),
        ["tool-call"] = ("inference/chat/tools", "inference/stream/tool-calls"),
        ["mid-error"] = ("inference/errors/upstream-closed", "inference/stream/error-mid-dropped"),
        ["error-in-200"] = Both("inference/messages/plain-provider-chat-answer"),
    };

    /// <summary>All names; those with a number stand with an example.</summary>
    public static IEnumerable<string> Known =>
        s_recordings.Keys.Concat(["ok", "reset", "hang", "slow-2s", "slow-500ms", "hold-1", "cut-at-7", "usage-1000-500"]);

    public static bool IsKnown(string alias) => s_recordings.ContainsKey(alias) || alias is "ok" or "reset" or "hang" || Numbered().IsMatch(alias);

    public static string? RecordingOf(string alias, bool isStream) =>
        s_recordings.TryGetValue(alias, out var names) ? isStream ? names.Stream : names.Plain : null;

    /// <summary><c>slow-2s</c>, <c>slow-500ms</c>.</summary>
    public static TimeSpan? SlowBy(string alias) => alias.StartsWith("slow-", StringComparison.Ordinal) ? Duration(alias["slow-".Length..]) : null;

    /// <summary><c>hold-1</c>: the answer waits until that hold is released.</summary>
    public static int? HoldOf(string alias) => alias.StartsWith("hold-", StringComparison.Ordinal) ? Number(alias["hold-".Length..]) : null;

    /// <summary><c>cut-at-7</c>: the connection is reset after seven chunks, or after seven bytes of a plain answer.</summary>
    public static int? CutAt(string alias) => alias.StartsWith("cut-at-", StringComparison.Ordinal) ? Number(alias["cut-at-".Length..]) : null;

    /// <summary><c>usage-1000-500</c>: the answer's usage is 1000 prompt and 500 completion tokens.</summary>
    public static (int Prompt, int Completion)? Usage(string alias) =>
        alias.Split('-') is ["usage", var prompt, var completion] && Number(prompt) is { } input && Number(completion) is { } output ? (input, output) : null;

    public static TimeSpan? Duration(string text) =>
        text.EndsWith("ms", StringComparison.Ordinal) ? Number(text[..^2]) is { } milliseconds ? TimeSpan.FromMilliseconds(milliseconds) : null
        : text.EndsWith('s') && Number(text[..^1]) is { } seconds ? TimeSpan.FromSeconds(seconds)
        : null;

    private static (string Plain, string Stream) Both(string name) => (name, name);

    private static int? Number(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    [GeneratedRegex(@"^(slow-\d{1,6}m?s|hold-\d{1,9}|cut-at-\d{1,6}|usage-\d{1,9}-\d{1,9})$")]
    private static partial Regex Numbered();
}
