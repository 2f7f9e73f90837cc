using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace SaasLlm.Core.Common;

/// <summary>One page of a list.</summary>
/// <param name="NextCursor">Where the next page begins; null when this is the last.</param>
public sealed record Page<T>(IReadOnlyList<T> Items, string? NextCursor)
{
    /// <summary>The same page of other items.</summary>
    public Page<TOther> Map<TOther>(Func<T, TOther> map) => new([.. Items.Select(map)], NextCursor);
}

/// <summary>Makes pages.</summary>
public static class Page
{
    /// <summary>Cuts a page from <paramref name="rows"/>, which were read with one row more than <paramref name="limit"/>.</summary>
    /// <param name="key">The column the list is sorted by; it must be unique within the list.</param>
    public static Page<T> From<T>(IReadOnlyList<T> rows, int limit, Func<T, string> key)
        => rows.Count <= limit
            ? new(rows, null)
            : new([.. rows.Take(limit)], Cursor.Encode(key(rows[limit - 1])));
}

/// <summary>What a list is asked for.</summary>
/// <param name="Limit">1 to <see cref="LimitMax"/>.</param>
/// <param name="After">The sort key of the last row of the page before; null for the first page.</param>
/// <param name="Descending">Newest or last first.</param>
public sealed record PageQuery(int Limit = PageQuery.LimitDefault, string? After = null, bool Descending = false)
{
    public const int LimitDefault = 50;
    public const int LimitMax = 200;
}

/// <summary>A cursor is the last row's sort key, as base64url, so that nobody takes it for a number to count with.</summary>
public static class Cursor
{
    private const int MaxLength = 512;

    private static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static string Encode(string key) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(key));

    /// <summary>False for what <see cref="Encode"/> cannot have made.</summary>
    public static bool TryDecode(string cursor, [NotNullWhen(true)] out string? key)
    {
        key = null;
        if (cursor.Length is 0 or > MaxLength || !Base64Url.IsValid(cursor))
        {
            return false;
        }

        try
        {
            key = s_strict.GetString(Base64Url.DecodeFromChars(cursor));
            return !key.Contains('\0', StringComparison.Ordinal);
        }
        catch (DecoderFallbackException)
        {
            return false;
        }
    }
}
