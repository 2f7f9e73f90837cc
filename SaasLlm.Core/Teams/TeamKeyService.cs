using Microsoft.EntityFrameworkCore;
using SaasLlm.Core.Changes;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Data;
using SaasLlm.Core.Idempotency;
using SaasLlm.Core.Outbox;

namespace SaasLlm.Core.Teams;

/// <summary>Makes, rotates, revokes and lists a team's virtual keys. All times are Postgres'.</summary>
public sealed class TeamKeyService(IDbContextFactory<SaasLlmDbContext> contexts, TenantChanges changes, TimeProvider time)
{
    /// <summary>How many keys a team may have in use.</summary>
    public const int ActiveKeysMax = 100;

    private static readonly Failure s_notFound = new(FailureKind.NotFound, "team_key.not_found", "There is no such key.");
    private static readonly Failure s_notActive = new(
        FailureKind.Conflict, "team_key.not_active", "The key is revoked, expired, or already replaced.");
    private static readonly Failure s_tooMany = new(
        FailureKind.Conflict, "team_key.limit", $"A team has at most {ActiveKeysMax} keys in use. Revoke one first.");

    /// <summary>404 <c>team.not_found</c>, 409 <c>team_key.limit</c>.</summary>
    /// <param name="life">How long the key is accepted; null is for ever.</param>
    /// <param name="work">Whose repeat finds the key that it made.</param>
    public Task<Result<IssuedKey>> GenerateAsync(
        string teamId, string name, TimeSpan? life, RateLimits limits, CancellationToken cancellation, IdempotentWork? work = null)
        => InTransactionAsync(teamId, work, async (db, token) =>
        {
            var active = await db.Database.SqlQuery<int>($"""
                SELECT count(*)::int AS "Value" FROM team_keys
                 WHERE team_id = {teamId} AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
                """).SingleAsync(token);
            return active < ActiveKeysMax ? await InsertAsync(db, teamId, name, life, limits, token) : s_tooMany;
        }, cancellation);

    /// <summary>
    /// A new key of the same name, length of life and limits; the old one is accepted for <paramref name="overlap"/> more, or until its own end.
    /// 404 <c>team.not_found</c>, <c>team_key.not_found</c>, 409 <c>team_key.not_active</c>.
    /// </summary>
    /// <param name="work">Whose repeat finds the key that it made.</param>
    public Task<Result<IssuedKey>> RotateAsync(
        string teamId, Guid keyId, TimeSpan overlap, CancellationToken cancellation, IdempotentWork? work = null)
        => InTransactionAsync(teamId, work, async (db, token) =>
        {
            if (await db.TeamKeys.AsNoTracking().SingleOrDefaultAsync(k => k.TeamId == teamId && k.KeyId == keyId, token) is not { } old)
            {
                return s_notFound;
            }

            var issued = await InsertAsync(db, teamId, old.Name, old.ExpiresAt - old.CreatedAt, old.LimitsOf(), token);
            var rows = await db.Database.ExecuteSqlAsync($"""
                UPDATE team_keys
                   SET replaced_by = {issued.Key.KeyId}, expires_at = least(expires_at, now() + {overlap})
                 WHERE team_id = {teamId} AND key_id = {keyId}
                   AND replaced_by IS NULL AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
                """, token);
            if (rows != 1)
            {
                return s_notActive;
            }

            await db.RaiseAsync(time, teamId, "key.rotated", $"key:{keyId}:rotated", new
            {
                TeamId = teamId,
                issued.Key.KeyId,
                ReplacedKeyId = keyId,
                issued.Key.Name,
                OverlapSeconds = (long)overlap.TotalSeconds,
            }, token);
            return issued;
        }, cancellation);

    /// <summary>Refused on every replica within a second. Revoking again changes nothing. 404 <c>team_key.not_found</c>.</summary>
    public async Task<Result<Accepted>> RevokeAsync(string teamId, Guid keyId, CancellationToken cancellation)
    {
        await using (var db = await contexts.CreateDbContextAsync(cancellation))
        {
            var rows = await db.Database.ExecuteSqlAsync($"""
                UPDATE team_keys SET revoked_at = coalesce(revoked_at, now()) WHERE team_id = {teamId} AND key_id = {keyId}
                """, cancellation);
            if (rows == 0)
            {
                return s_notFound;
            }
        }

        await changes.TeamChangedAsync(teamId);
        return default(Accepted);
    }

    /// <summary>
    /// What is null stays as it is; limits are replaced as a whole, on every replica within a second. A revoked key can be named still.
    /// 404 <c>team_key.not_found</c>.
    /// </summary>
    public async Task<Result<KeyState>> UpdateAsync(
        string teamId, Guid keyId, string? name, RateLimits? limits, CancellationToken cancellation)
    {
        KeyState updated;
        await using (var db = await contexts.CreateDbContextAsync(cancellation))
        {
            var rows = await db.TeamKeys.FromSql($"""
                UPDATE team_keys
                   SET name = coalesce({name}, name),
                       requests_per_minute = CASE WHEN {limits is null} THEN requests_per_minute ELSE {limits?.RequestsPerMinute} END,
                       tokens_per_minute = CASE WHEN {limits is null} THEN tokens_per_minute ELSE {limits?.TokensPerMinute} END,
                       parallel_calls = CASE WHEN {limits is null} THEN parallel_calls ELSE {limits?.ParallelCalls} END
                 WHERE team_id = {teamId} AND key_id = {keyId}
                RETURNING *
                """).AsNoTracking().ToListAsync(cancellation);
            if (rows.Count == 0)
            {
                return s_notFound;
            }

            updated = KeyState.Of(rows[0], await NowAsync(db, cancellation));
        }

        await changes.TeamChangedAsync(teamId);
        return updated;
    }

    /// <summary>Newest first, revoked ones too. 404 <c>team.not_found</c>.</summary>
    public async Task<Result<Page<KeyState>>> ListAsync(string teamId, int limit, Guid? before, CancellationToken cancellation)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellation);
        if (!await db.Teams.AnyAsync(t => t.TeamId == teamId, cancellation))
        {
            return TeamService.NotFound;
        }

        var now = await NowAsync(db, cancellation);
        var keys = await db.TeamKeys.AsNoTracking()
            .Where(k => k.TeamId == teamId && (before == null || k.KeyId.CompareTo(before.Value) < 0))
            .OrderByDescending(k => k.KeyId)
            .Take(limit + 1)
            .ToListAsync(cancellation);
        return Page.From(keys, limit, key => key.KeyId.ToString()).Map(key => KeyState.Of(key, now));
    }

    private async Task<Result<IssuedKey>> InTransactionAsync(
        string teamId, IdempotentWork? work, Func<SaasLlmDbContext, CancellationToken, Task<Result<IssuedKey>>> issue, CancellationToken cancellation)
    {
        if (work?.Recall<IssuedKey>() is { } made)
        {
            await changes.TeamChangedAsync(teamId);
            return made;
        }

        await using var outer = await contexts.CreateDbContextAsync(cancellation);
        var issued = await outer.Database.CreateExecutionStrategy().ExecuteAsync(
            (Team: teamId, Work: work, Issue: issue),
            async (_, state, token) =>
            {
                await using var db = await contexts.CreateDbContextAsync(token);
                await using var transaction = await db.Database.BeginTransactionAsync(token);
                // The team's row orders two changes of its keys. No key update: jobs of the team refer to the row meanwhile.
                var teams = await db.Database.SqlQuery<string>(
                    $"SELECT team_id AS \"Value\" FROM teams WHERE team_id = {state.Team} FOR NO KEY UPDATE").ToListAsync(token);
                var result = teams.Count == 1 ? await state.Issue(db, token) : TeamService.NotFound;
                if (result.Failure is null)
                {
                    await state.Work.KeepAsync(db, result.Value, token);
                    await transaction.CommitAsync(token);
                }

                return result;
            }, null, cancellation);
        if (issued.Failure is null)
        {
            await changes.TeamChangedAsync(teamId);
        }

        return issued;
    }

    private async Task<IssuedKey> InsertAsync(
        SaasLlmDbContext db, string teamId, string name, TimeSpan? life, RateLimits limits, CancellationToken cancellation)
    {
        var key = NewKey.Make(time);
        var stored = await db.TeamKeys.FromSql($"""
            INSERT INTO team_keys (team_id, key_id, key_hash, key_prefix, name, expires_at, requests_per_minute, tokens_per_minute, parallel_calls)
            VALUES ({teamId}, {key.KeyId}, {key.Hash}, {key.Prefix}, {name}, now() + {life},
                    {limits.RequestsPerMinute}, {limits.TokensPerMinute}, {limits.ParallelCalls})
            RETURNING *
            """).AsNoTracking().ToListAsync(cancellation);
        return new(KeyState.Of(stored[0], stored[0].CreatedAt), key.Plain);
    }

    private static Task<DateTimeOffset> NowAsync(SaasLlmDbContext db, CancellationToken cancellation)
        => db.Database.SqlQuery<DateTimeOffset>($"SELECT now() AS \"Value\"").SingleAsync(cancellation);
}
