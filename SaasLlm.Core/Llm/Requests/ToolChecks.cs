using System.Text.Json;
using SaasLlm.Core.ModelGroups;

namespace SaasLlm.Core.Llm.Requests;

/// <summary>Tools that the model may call: the caller's own functions, and what the group allows by name.</summary>
internal static class ToolChecks
{
    private static readonly HashSet<string> s_tool = ["type", "function", "custom"];
    private static readonly HashSet<string> s_custom = ["name", "description", "format"];
    private static readonly HashSet<string> s_function = ["name", "description", "parameters", "strict"];

    /// <summary>The first fault, or null.</summary>
    public static (string Field, string Sentence)? FirstFault(JsonElement body, GroupSettings settings)
    {
        if (FieldChecks.Present(body, "tools", out var tools))
        {
            var index = 0;
            foreach (var tool in tools.EnumerateArray())
            {
                if (Tool(tool, $"tools[{index++}]", settings) is { } fault)
                {
                    return fault;
                }
            }
        }

        if (FieldChecks.Present(body, "functions", out var functions))
        {
            var index = 0;
            foreach (var function in functions.EnumerateArray())
            {
                if (Members(function, s_function, $"functions[{index++}]", settings) is { } fault)
                {
                    return fault;
                }
            }
        }

        return null;
    }

    private static (string, string)? Tool(JsonElement tool, string field, GroupSettings settings)
    {
        var type = FieldChecks.Text(tool, "type");
        if (type is null)
        {
            return ($"{field}.type", "Each tool needs a 'type'.");
        }

        if (type is not ("function" or "custom"))
        {
            return settings.ToolTypes.Contains(type)
                ? null
                : ($"{field}.type", $"Tools of type '{(type.Length <= 100 ? type : type[..100])}' are not offered by this model group.");
        }

        return Members(tool, s_tool, field, settings)
            ?? Part(tool, "function", s_function, field, settings)
            ?? Part(tool, "custom", s_custom, field, settings);
    }

    // Whatever its type says: LiteLLM passes on what is there.
    private static (string, string)? Part(JsonElement tool, string name, HashSet<string> known, string field, GroupSettings settings)
        => FieldChecks.Present(tool, name, out var part) ? Members(part, known, $"{field}.{name}", settings) : null;

    /// <summary>The first member that is not known and not allowed, or null.</summary>
    public static (string Field, string Sentence)? Members(JsonElement element, HashSet<string> known, string field, GroupSettings settings)
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            return (field, $"'{field}' must be an object.");
        }

        foreach (var member in element.EnumerateObject().Where(member => !known.Contains(member.Name) && !settings.Fields.Contains(member.Name)))
        {
            var name = member.Name.Length <= 100 ? member.Name : member.Name[..100];
            return ($"{field}.{name}", $"Unrecognized request argument supplied: {field}.{name}");
        }

        return null;
    }
}
