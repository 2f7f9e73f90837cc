using System.Globalization;
using System.Text.RegularExpressions;

namespace SaasLlm.LiteLlmSimulator.Playing;

/// <summary>
/// Makes whole what the recorder shortened and what could not be sent so: a long header (<c>aaa… (7000 characters)</c>)
/// and a stream's event of 300 kB that stops in the middle of its JSON (<c>data: {…"content":"xxx…</c>).
/// </summary>
internal static partial class Shortened
{
    private const int LongEvent = 300_000;

    public static string Header(string value) => WithCount().Match(value) is { Success: true } match
        ? match.Groups[1].Value.PadRight(int.Parse(match.Groups[2].ValueSpan, CultureInfo.InvariantCulture), match.Groups[1].Value[^1])
        : value;

    public static string Line(string line) => line.StartsWith("data: {", StringComparison.Ordinal) && line.EndsWith('…')
        ? line[..^1].PadRight(LongEvent, line[^2]) + "\"}}]}"
        : line;

    [GeneratedRegex(@"^(.+)… \((\d{1,6}) characters\)$")]
    private static partial Regex WithCount();
}
