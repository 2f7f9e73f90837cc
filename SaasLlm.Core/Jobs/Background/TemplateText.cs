using System.Text.RegularExpressions;

namespace SaasLlm.Core.Jobs.Background;

/// <summary>What stands in a template for a text that is known later.</summary>
/// <param name="Step">The step whose answer's text it is; null: the batch's input.</param>
/// <param name="Path">Of the input, the members to go down by; empty for all of it.</param>
internal sealed record Placeholder(string? Step, IReadOnlyList<string> Path)
{
    public override string ToString() => Step is null ? $"{{{{{string.Join('.', ["input", .. Path])}}}}}" : $"{{{{steps.{Step}.content}}}}";
}

/// <summary>A piece of a template: a text, or what stands for one.</summary>
internal readonly record struct TemplatePart(string Text, Placeholder? Placeholder);

/// <summary>
/// A text with placeholders: <c>{{steps.parse.content}}</c>, <c>{{input}}</c>, <c>{{input.name}}</c>. Four braces in a row,
/// <c>{{{{</c>, are two that are meant as they are.
/// </summary>
internal static partial class TemplateText
{
    private const string Open = "{{";
    private const string Close = "}}";
    private const int ShownMax = 60;

    /// <summary>False for a text that is itself and nothing else.</summary>
    public static bool IsTemplate(string text) => text.Contains(Open, StringComparison.Ordinal);

    /// <summary>The pieces, or what is wrong with the text.</summary>
    public static (IReadOnlyList<TemplatePart> Parts, string? Fault) Parse(string text)
    {
        var parts = new List<TemplatePart>();
        var position = 0;
        while (text.IndexOf(Open, position, StringComparison.Ordinal) is >= 0 and var open)
        {
            parts.Add(new(text[position..open], null));
            if (text.AsSpan(open + Open.Length).StartsWith(Open, StringComparison.Ordinal))
            {
                parts.Add(new(Open, null));
                position = open + (2 * Open.Length);
                continue;
            }

            var close = text.IndexOf(Close, open, StringComparison.Ordinal);
            if (close < 0)
            {
                return ([], $"'{Shown(text[open..])}' has no closing braces; braces that are meant as they are, are written {{{{{{{{");
            }

            var inner = text[(open + Open.Length)..close].Trim();
            if (Read(inner) is not { } placeholder)
            {
                return ([], $"'{{{{{Shown(inner)}}}}}' is not a placeholder: there are {{{{steps.<name>.content}}}}, {{{{input}}}} and {{{{input.<member>}}}}");
            }

            parts.Add(new("", placeholder));
            position = close + Close.Length;
        }

        parts.Add(new(text[position..], null));
        return (parts, null);
    }

    private static Placeholder? Read(string inner)
    {
        if (StepContent().Match(inner) is { Success: true } step)
        {
            return new(step.Groups[1].Value, []);
        }

        return Input().IsMatch(inner) ? new(null, inner.Split('.')[1..]) : null;
    }

    private static string Shown(string text) => text.Length <= ShownMax ? text : string.Concat(text.AsSpan(0, ShownMax), "…");

    [GeneratedRegex(@"^steps\.([A-Za-z0-9_-]{1,64})\.content\z")]
    private static partial Regex StepContent();

    [GeneratedRegex(@"^input(\.[^.{}\s]{1,100}){0,10}\z")]
    private static partial Regex Input();
}
