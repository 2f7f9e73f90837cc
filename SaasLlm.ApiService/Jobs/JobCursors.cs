using FluentValidation;
using SaasLlm.Core.Common;

namespace SaasLlm.ApiService.Jobs;

internal static class JobCursors
{
    /// <summary>Lists of jobs are sorted by job id.</summary>
    public static void IsJobCursor<T>(this IRuleBuilder<T, string?> rule)
        => rule.Must(cursor => cursor is null || (Cursor.TryDecode(cursor, out var key) && Guid.TryParse(key, out _)))
            .WithMessage("is not a cursor of this list");
}
