using Microsoft.EntityFrameworkCore;
using SaasLlm.Core.Common;
using SaasLlm.Core.Data;

namespace SaasLlm.Core.Teams;

/// <summary>Writes which groups a team may use, inside somebody's transaction.</summary>
internal static class TeamGrants
{
    /// <summary>Adds what is missing. 404 <c>model_group.not_found</c>, with the missing names in <c>model_groups</c>: then nothing may be committed.</summary>
    public static async Task<Failure?> GrantAsync(SaasLlmDbContext db, string teamId, string[] groups, CancellationToken cancellation)
    {
        // The share lock keeps a group from being deleted before the commit.
        var known = await db.Database.SqlQuery<string>(
            $"SELECT group_name AS \"Value\" FROM model_groups WHERE group_name = ANY ({groups}) ORDER BY group_name FOR KEY SHARE").ToListAsync(cancellation);
        var missing = groups.Except(known, StringComparer.Ordinal).ToArray();
        if (missing.Length > 0)
        {
            return new Failure(FailureKind.NotFound, "model_group.not_found", $"There is no model group named {string.Join(", ", missing)}.")
            {
                Details = new Dictionary<string, object?> { ["model_groups"] = missing },
            };
        }

        await db.Database.ExecuteSqlAsync(
            $"INSERT INTO team_model_groups (team_id, group_name) SELECT {teamId}, unnest({groups}) ON CONFLICT DO NOTHING", cancellation);
        return null;
    }
}
