using SaasLlm.Core.Common;

namespace SaasLlm.ApiService.Platform.Lists;

/// <summary>One page of a list. Ask for the next with <c>cursor</c>; without a <c>next_cursor</c> this was the last.</summary>
internal sealed record PageResponse<T>(IReadOnlyList<T> Items, string? NextCursor);

internal static class PageResponse
{
    public static PageResponse<TItem> Of<T, TItem>(Page<T> page, Func<T, TItem> item) => new([.. page.Items.Select(item)], page.NextCursor);
}
