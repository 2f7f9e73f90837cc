using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace SaasLlm.Tests.LiteLlmSimulator;

/// <summary>The values behind <c>$KEY</c>, <c>$KEY_HASH</c>, … of one case, learnt from the answers to its earlier requests.</summary>
internal sealed partial class Placeholders(string name)
{
    private readonly Dictionary<string, string> _values = new() { ["$MASTER_KEY"] = SimulatorHost.MasterKey };

    public void Set(string placeholder, string value) => _values[placeholder] = value;

    public void Learn(JsonNode? recorded, JsonNode? actual)
    {
        switch (recorded)
        {
            case JsonObject fields when actual is JsonObject others:
                foreach (var (name, value) in fields)
                {
                    Learn(value, others[name]);
                }

                break;
            case JsonValue value when value.TryGetValue<string>(out var text) && Pattern().Match(text) is { Success: true, Length: var length } && length == text.Length && actual is JsonValue found:
                _values[text] = found.GetValue<string>();
                break;
        }
    }

    // What no answer named is a key that nobody made.
    public string Fill(string text) => Pattern().Replace(text, match => _values.GetValueOrDefault(match.Value)
        ?? (name == "management/keys/generate-given-key-short" ? "sk-short-001" : "sk-nobody-made-" + match.Value[1..]));

    [GeneratedRegex(@"\$[A-Z][A-Z0-9_]*")]
    private static partial Regex Pattern();
}
