using System.Text.RegularExpressions;

namespace SaasLlm.Core.Common;

/// <summary>The shapes of the names that callers choose.</summary>
public static partial class Names
{
    /// <summary>An organization's or team's id.</summary>
    public static bool IsTenantId(string? id) => id is not null && TenantId().IsMatch(id);

    /// <summary>A model group's name.</summary>
    public static bool IsGroupName(string? name) => name is not null && GroupName().IsMatch(name);

    /// <summary>An id that nobody chose: <paramref name="prefix"/> and a UUIDv7.</summary>
    public static string Generate(string prefix, TimeProvider time) => $"{prefix}_{Uuid7.New(time):N}";

    [GeneratedRegex(@"^[A-Za-z0-9_-]{1,64}\z")]
    private static partial Regex TenantId();

    [GeneratedRegex(@"^[A-Za-z0-9._-]{1,64}\z")]
    private static partial Regex GroupName();
}
