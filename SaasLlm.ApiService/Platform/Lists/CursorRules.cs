using System.Globalization;
using FluentValidation;
using SaasLlm.Core.Common;

namespace SaasLlm.ApiService.Platform.Lists;

/// <summary>Rules for the cursors of lists, by what the lists are sorted by; null passes.</summary>
internal static class CursorRules
{
    /// <summary>A cursor whose sort key <paramref name="isKey"/> accepts.</summary>
    public static IRuleBuilderOptions<T, string?> IsCursor<T>(this IRuleBuilder<T, string?> rule, Func<string, bool> isKey)
        => rule.Must(cursor => cursor is null || (Cursor.TryDecode(cursor, out var key) && isKey(key))).WithMessage("is not a cursor of this list");

    /// <summary>Of a list that is sorted by a UUID.</summary>
    public static IRuleBuilderOptions<T, string?> IsIdCursor<T>(this IRuleBuilder<T, string?> rule) => rule.IsCursor(key => Guid.TryParse(key, out _));

    /// <summary>Of a list that is sorted by a number from 0.</summary>
    public static IRuleBuilderOptions<T, string?> IsNumberCursor<T>(this IRuleBuilder<T, string?> rule)
        => rule.IsCursor(key => long.TryParse(key, NumberStyles.None, CultureInfo.InvariantCulture, out _));

    /// <summary>Of a list of a job's steps in their order.</summary>
    public static IRuleBuilderOptions<T, string?> IsOrdinalCursor<T>(this IRuleBuilder<T, string?> rule) => rule.IsCursor(key => int.TryParse(key, out _));
}
