using System.Buffers;

namespace SaasLlm.ApiService.Platform.Lists;

/// <summary>Texts in comma-separated files: they come from whoever calls, and from models.</summary>
internal static class CsvCell
{
    // A spreadsheet computes what begins with one of these.
    private const string FormulaStarts = "=+-@\t\r";

    // The list separator of some locales among them: there a spreadsheet splits at it.
    private static readonly SearchValues<char> s_quoted = SearchValues.Create(",;\t\"\r\n");

    /// <summary>A cell by RFC 4180 that no spreadsheet computes, nor splits.</summary>
    public static string Of(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return "";
        }

        var plain = FormulaStarts.Contains(text[0], StringComparison.Ordinal) ? $"'{text}" : text;
        return plain.AsSpan().ContainsAny(s_quoted) ? $"\"{plain.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : plain;
    }
}
