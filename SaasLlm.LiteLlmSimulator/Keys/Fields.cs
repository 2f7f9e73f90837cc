using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using SaasLlm.LiteLlmSimulator.Http;

namespace SaasLlm.LiteLlmSimulator.Keys;

/// <summary>Reads the settings of keys and teams from a body, with the recorded refusals of wrong ones.</summary>
internal static class Fields
{
    private static readonly string[] s_floats = ["max_budget", "soft_budget", "spend", "temp_budget_increase"];

    private static readonly string[] s_integers = ["rpm_limit", "tpm_limit", "max_parallel_requests"];

    public static Answer? Refuse(JsonElement body)
    {
        foreach (var name in s_floats.Concat(s_integers).Where(name => body.Has(name, out var value) && value.ValueKind is JsonValueKind.String))
        {
            var (type, kind) = s_floats.Contains(name) ? ("float_parsing", "number") : ("int_parsing", "integer");
            return Errors.Invalid(type, $"Input should be a valid {kind}, unable to parse string as a {kind}", "body", name);
        }

        if (body.Has("max_budget", out var budget) && budget.GetDecimal() < 0)
        {
            return Internal(400, $"{{'error': 'max_budget must be a non-negative finite number. Received: {PythonFloat.Text(budget.GetDecimal())}'}}");
        }

        if (body.StringOf("budget_duration") is { } duration && Duration(duration) is null)
        {
            return Internal(400, $"{{'error': \"Invalid budget_duration '{duration}'. Use a format like '1h', '24h', '7d', or '30d'.\"}}");
        }

        return null;
    }

    public static Answer Internal(int status, string message) => Errors.Proxy(status, "internal_server_error", message);

    /// <summary>Copies what the body sets; a null clears. Budgets become floats, as LiteLLM prints them.</summary>
    public static void Apply(JsonElement body, JsonObject settings, IEnumerable<string> names)
    {
        foreach (var name in names.Where(name => body.ValueKind is JsonValueKind.Object && body.TryGetProperty(name, out _)))
        {
            var value = body.GetProperty(name);
            settings[name] = value.ValueKind is JsonValueKind.Number && s_floats.Contains(name) ? PythonFloat.Node(value.GetDecimal()) : value.Node();
        }
    }

    /// <summary>30s, 5m, 2h, 30d, 1w, 1mo; null for anything else.</summary>
    public static TimeSpan? Duration(string text)
    {
        var digits = text.TakeWhile(char.IsAsciiDigit).Count();
        if (digits == 0 || !int.TryParse(text[..digits], NumberStyles.None, CultureInfo.InvariantCulture, out var count))
        {
            return null;
        }

        return text[digits..] switch
        {
            "s" => TimeSpan.FromSeconds(count),
            "m" => TimeSpan.FromMinutes(count),
            "h" => TimeSpan.FromHours(count),
            "d" => TimeSpan.FromDays(count),
            "w" => TimeSpan.FromDays(7 * count),
            "mo" => TimeSpan.FromDays(30 * count),
            _ => null,
        };
    }

    /// <summary>1h: the next full hour; days: midnight UTC; 7d: Monday; 30d and 1mo: the first.</summary>
    public static DateTimeOffset ResetAt(string duration, DateTimeOffset now) => duration switch
    {
        "1h" => new DateTimeOffset(now.Year, now.Month, now.Day, now.Hour, 0, 0, TimeSpan.Zero).AddHours(1),
        "24h" or "1d" => new DateTimeOffset(now.UtcDateTime.Date, TimeSpan.Zero).AddDays(1),
        "7d" => new DateTimeOffset(now.UtcDateTime.Date, TimeSpan.Zero).AddDays(7 - (((int)now.DayOfWeek + 6) % 7)),
        "30d" or "1mo" => new DateTimeOffset(now.Year, now.Month, 1, 0, 0, 0, TimeSpan.Zero).AddMonths(1),
        _ => now + (Duration(duration) ?? TimeSpan.Zero),
    };

    public static string Stamp(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.ffffff", CultureInfo.InvariantCulture) + "Z";
}
