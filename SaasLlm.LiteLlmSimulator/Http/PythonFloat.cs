using System.Globalization;
using System.Text.Json.Nodes;

namespace SaasLlm.LiteLlmSimulator.Http;

/// <summary>Writes an exact decimal as Python prints a float: <c>0.0</c>, <c>0.00045</c>, <c>5.4e-06</c>.</summary>
internal static class PythonFloat
{
    public static string Text(decimal value)
    {
        var plain = value.ToString("0.############################", CultureInfo.InvariantCulture);
        if (value == 0 || Math.Abs(value) >= 0.0001m)
        {
            return plain.Contains('.', StringComparison.Ordinal) ? plain : plain + ".0";
        }

        var sign = value < 0 ? "-" : "";
        var fraction = plain[(plain.IndexOf('.', StringComparison.Ordinal) + 1)..];
        var digits = fraction.TrimStart('0');
        var exponent = fraction.Length - digits.Length + 1;
        var mantissa = digits.Length == 1 ? digits : $"{digits[0]}.{digits[1..]}";
        return $"{sign}{mantissa}e-{exponent:00}";
    }

    public static JsonNode Node(decimal value) => JsonNode.Parse(Text(value))!;

    public static JsonNode? Node(decimal? value) => value is { } number ? Node(number) : null;
}
