using System.Text.Json;
using System.Text.Json.Serialization;
using SaasLlm.Core.ModelGroups;

namespace SaasLlm.ApiService.ModelGroups;

/// <param name="Models">By priority, primary first.</param>
internal sealed record ModelGroupResponse(
    string GroupName,
    string DisplayName,
    string Description,
    string Kind,
    string Status,
    IReadOnlyList<GroupModelResponse> Models,
    [property: GroupSettingsSchema] JsonElement Settings,
    DateTimeOffset CreatedAt,
    DateTimeOffset UpdatedAt)
{
    public static readonly ModelGroupResponse Example = new(
        "ResumeAgent", "Resume analysis", "Reads and scores resumes", "chat", "active",
        [new("gpt-4-turbo", 0, true), new("gpt-3.5-turbo", 1, true)], JsonElement.Parse("{}"),
        new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero), new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero));

    public static ModelGroupResponse From(ModelGroup group) => new(
        group.GroupName,
        group.DisplayName,
        group.Description,
        group.Kind,
        group.Status,
        [.. group.Models.OrderBy(m => m.Priority).Select(m => new GroupModelResponse(m.ModelName, m.Priority, m.IsActive, m.Gateway))],
        JsonElement.Parse(group.Settings),
        group.CreatedAt,
        group.UpdatedAt);
}

/// <param name="Gateway">Not there where it is the common one.</param>
internal sealed record GroupModelResponse(
    string ModelName, int Priority, bool IsActive, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Gateway = null);
