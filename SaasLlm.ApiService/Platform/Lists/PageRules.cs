using FluentValidation;
using SaasLlm.Core.Common;

namespace SaasLlm.ApiService.Platform.Lists;

/// <summary>What every list takes, as query parameters.</summary>
internal interface IPageRequest
{
    /// <summary>1 to 200; 50 where it is left out.</summary>
    int? Limit { get; }

    /// <summary>The <c>next_cursor</c> of the page before.</summary>
    string? Cursor { get; }

    /// <summary>The column to sort by, with <c>-</c> in front for descending.</summary>
    string? Sort { get; }
}

internal static class PageRules
{
    /// <summary>Adds the rules of a list that is sorted by <paramref name="column"/>, either way.</summary>
    public static void IsPage<T>(this AbstractValidator<T> validator, string column)
        where T : IPageRequest
    {
        validator.RuleFor(page => page.Limit).InclusiveBetween(1, PageQuery.LimitMax);
        validator.RuleFor(page => page.Cursor).IsCursor(_ => true);
        validator.RuleFor(page => page.Sort).Must(sort => sort is null || sort == column || sort == "-" + column)
            .WithMessage($"must be {column} or -{column}");
    }

    /// <summary>What a valid request asks for.</summary>
    public static PageQuery ToQuery(this IPageRequest page, bool descendingByDefault = false)
    {
        string? after = null;
        if (page.Cursor is not null)
        {
            Cursor.TryDecode(page.Cursor, out after);
        }

        return new(page.Limit ?? PageQuery.LimitDefault, after, page.Sort?.StartsWith('-') ?? descendingByDefault);
    }
}
