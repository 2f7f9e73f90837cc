using System.Text.Json;

namespace SaasLlm.Core.Llm.Requests;

/// <summary>Finds a name that an object holds twice, at any depth: two readers of such a body may read two different bodies.</summary>
internal static class DuplicateNames
{
    /// <summary>The first such name, or null.</summary>
    public static string? First(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                var seen = new HashSet<string>(StringComparer.Ordinal);
                foreach (var member in element.EnumerateObject())
                {
                    if (!seen.Add(member.Name))
                    {
                        return member.Name;
                    }

                    if (First(member.Value) is { } inner)
                    {
                        return inner;
                    }
                }

                return null;
            case JsonValueKind.Array:
                foreach (var item in element.EnumerateArray())
                {
                    if (First(item) is { } inner)
                    {
                        return inner;
                    }
                }

                return null;
            default:
                return null;
        }
    }
}
