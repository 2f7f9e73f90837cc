using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;
using SaasLlm.Core.Common;

namespace SaasLlm.Core.Data;

/// <summary>What holds for every table: snake_case names, the scale of money, the database's defaults for time stamps.</summary>
internal static class SnakeCase
{
    public static void Apply(ModelBuilder model)
    {
        foreach (var entity in model.Model.GetEntityTypes())
        {
            // EF names a table after its DbSet: TeamModelGroups becomes team_model_groups.
            entity.SetTableName(Of(entity.GetTableName()!));
            foreach (var property in entity.GetProperties())
            {
                Apply(property);
            }
        }
    }

    /// <summary><c>KeyHash</c> becomes <c>key_hash</c>.</summary>
    public static string Of(string name)
    {
        var result = new StringBuilder(name.Length + 8);
        foreach (var letter in name)
        {
            if (char.IsAsciiLetterUpper(letter) && result.Length > 0)
            {
                result.Append('_');
            }

            result.Append(char.ToLowerInvariant(letter));
        }

        return result.ToString();
    }

    private static void Apply(IMutableProperty property)
    {
        property.SetColumnName(Of(property.Name));
        // Ids are made by their owner, never by EF.
        if (property.IsPrimaryKey())
        {
            property.ValueGenerated = ValueGenerated.Never;
        }

        var type = Nullable.GetUnderlyingType(property.ClrType) ?? property.ClrType;
        if (type == typeof(decimal) && property.GetPrecision() is null && property.FindAnnotation(RelationalAnnotationNames.ColumnType) is null)
        {
            var isUsd = property.Name.EndsWith("Usd", StringComparison.Ordinal);
            property.SetPrecision(isUsd ? 18 : 20);
            property.SetScale(isUsd ? Money.UsdScale : Money.CreditScale);
        }

        if (type == typeof(decimal[]))
        {
            property.SetColumnType($"numeric(20,{Money.CreditScale})[]");
        }

        if (property.Name is "CreatedAt" or "UpdatedAt")
        {
            property.SetDefaultValueSql("now()");
            property.ValueGenerated = ValueGenerated.OnAdd;
        }
    }
}
