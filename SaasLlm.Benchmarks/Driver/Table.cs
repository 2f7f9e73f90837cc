using System.Text;

namespace SaasLlm.Benchmarks.Driver;

/// <summary>Rows of text, written for a terminal or as markdown.</summary>
internal sealed class Table(params string[] columns)
{
    private readonly List<string[]> _rows = [];

    public void Add(params string[] cells) => _rows.Add(cells);

    public string ToText() => Write("  ", "", width => new string('-', width));

    public string ToMarkdown() => Write(" | ", "|", width => new string('-', Math.Max(3, width) - 1) + ":");

    private string Write(string between, string edge, Func<int, string> rule)
    {
        var widths = columns.Select((column, index) => _rows.Select(row => row[index].Length).Append(column.Length).Max()).ToArray();
        var text = new StringBuilder();
        Line(columns);
        Line([.. widths.Select(rule)]);
        _rows.ForEach(Line);
        return text.ToString();

        void Line(string[] cells)
        {
            var padded = cells.Select((cell, index) => index == 0 ? cell.PadRight(widths[index]) : cell.PadLeft(widths[index]));
            var line = string.Join(between, padded);
            text.AppendLine(edge.Length == 0 ? line.TrimEnd() : $"{edge} {line} {edge}");
        }
    }
}
