using System.Text;

namespace SaasLlm.Core.Background;

/// <summary>Names of tasks: lower-case words and dashes.</summary>
public static class TaskName
{
    private const string Suffix = "Pass";

    internal static string Of(Type pass)
    {
        var name = pass.Name.EndsWith(Suffix, StringComparison.Ordinal) ? pass.Name[..^Suffix.Length] : pass.Name;
        var text = new StringBuilder(name.Length + 8);
        foreach (var letter in name)
        {
            if (char.IsAsciiLetterUpper(letter) && text.Length > 0)
            {
                text.Append('-');
            }

            text.Append(char.ToLowerInvariant(letter));
        }

        return text.ToString();
    }

    /// <summary>Whether a task may be called so.</summary>
    public static bool IsName(string text)
        => text.Length is > 0 and <= 64 && text.All(letter => char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter) || letter == '-');
}
