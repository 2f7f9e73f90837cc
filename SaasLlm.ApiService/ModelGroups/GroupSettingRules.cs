using System.Globalization;
using System.Text.Json;
using FluentValidation;
using Microsoft.OpenApi;
using SaasLlm.ApiService.Platform.Documentation;
using SaasLlm.Core.ModelGroups;

namespace SaasLlm.ApiService.ModelGroups;

internal static class GroupSettingRules
{
    /// <summary>Each setting is known and its value right; what is wrong is named.</summary>
    public static void AreGroupSettings<T>(this IRuleBuilder<T, JsonElement?> rule)
        => rule.Custom((settings, context) =>
        {
            if (settings is { ValueKind: JsonValueKind.Object } given)
            {
                GroupSettings.Read(given, out var faults);
                foreach (var (name, fault) in faults)
                {
                    context.AddFailure($"settings.{name}", fault);
                }
            }
        });
}

/// <summary>Documents a group's settings.</summary>
internal sealed class GroupSettingsSchemaAttribute : BodySchemaAttribute
{
    public override OpenApiSchema Create() => new()
    {
        Type = JsonSchemaType.Object | JsonSchemaType.Null,
        Description = "What the group allows and limits beyond the defaults.",
        AdditionalPropertiesAllowed = false,
        Properties = GroupSetting.All.Values.OrderBy(setting => setting.Name, StringComparer.Ordinal)
            .ToDictionary(setting => setting.Name, IOpenApiSchema (setting) => Describe(setting)),
    };

    private static OpenApiSchema Describe(GroupSetting setting)
    {
        var schema = new OpenApiSchema { Description = setting.Description };
        switch (setting.Kind)
        {
            case GroupSettingKind.Number or GroupSettingKind.Count:
                schema.Type = setting.Kind == GroupSettingKind.Count ? JsonSchemaType.Integer : JsonSchemaType.Number;
                schema.Minimum = setting.Min.ToString(CultureInfo.InvariantCulture);
                schema.Maximum = setting.Max.ToString(CultureInfo.InvariantCulture);
                break;
            case GroupSettingKind.Flag:
                schema.Type = JsonSchemaType.Boolean;
                break;
            case GroupSettingKind.Choice:
                schema.Type = JsonSchemaType.String;
                schema.Enum = [.. GroupSetting.Choices];
                break;
            default:
                schema.Type = JsonSchemaType.Array;
                schema.Items = new OpenApiSchema { Type = JsonSchemaType.String };
                break;
        }

        return schema;
    }
}
