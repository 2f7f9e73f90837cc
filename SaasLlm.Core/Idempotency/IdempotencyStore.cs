using Npgsql;

namespace SaasLlm.Core.Idempotency;

/// <summary>An attempt's right to work on a request. Its fence ends with it.</summary>
/// <param name="IsRepeat">Another attempt was here before, and may have done the work.</param>
/// <param name="Result">What an earlier attempt's transaction committed, encrypted.</param>
internal sealed record Claim(string Caller, byte[] Scope, Guid Fence, Guid WorkId, bool IsRepeat, byte[]? Result);

/// <summary>A key that somebody has used, as it is now by Postgres' clock.</summary>
internal sealed record UsedKey(
    byte[] RequestHash, string State, bool IsLeased, bool IsOver, Guid Fence, Guid WorkId, int? AnswerStatus, byte[]? Answer);

/// <summary>The rows of <c>idempotency_keys</c>: claimed with a lease, finished with the fence. Each statement is a transaction of its own.</summary>
internal sealed class IdempotencyStore(NpgsqlDataSource database)
{
    /// <summary>How long a key is kept.</summary>
    private static readonly TimeSpan s_life = TimeSpan.FromHours(24);

    /// <summary>Claims a key that nobody has used; null when somebody has.</summary>
    public async Task<Claim?> TryClaimAsync(KeyedRequest request, byte[] scope, byte[] hash, Guid workId, Guid fence, TimeSpan lease)
    {
        var rows = await ExecuteAsync("""
            INSERT INTO idempotency_keys (caller, scope, route, request_hash, work_id, fence, lease_until, expires_at)
            VALUES ($1, $2, $3, $4, $5, $6, ledger_now() + $7, ledger_now() + $8)
            ON CONFLICT DO NOTHING
            """, default, request.Caller, scope, request.Route, hash, workId, fence, lease, s_life);
        return rows == 1 ? new(request.Caller, scope, fence, workId, IsRepeat: false, Result: null) : null;
    }

    public async Task<UsedKey?> FindAsync(string caller, byte[] scope, CancellationToken cancellation)
    {
        await using var command = Command("""
            SELECT request_hash, state, state = 'running' AND lease_until > ledger_now(), expires_at <= ledger_now(),
                   fence, work_id, answer_status, answer
              FROM idempotency_keys WHERE caller = $1 AND scope = $2
            """, caller, scope);
        await using var rows = await command.ExecuteReaderAsync(cancellation);
        return await rows.ReadAsync(cancellation)
            ? new(
                rows.GetFieldValue<byte[]>(0), rows.GetString(1), rows.GetBoolean(2), rows.GetBoolean(3), rows.GetGuid(4), rows.GetGuid(5),
                rows.IsDBNull(6) ? null : rows.GetInt32(6), rows.IsDBNull(7) ? null : rows.GetFieldValue<byte[]>(7))
            : null;
    }

    /// <summary>Goes on where the attempt with <paramref name="from"/>'s fence ended or died; null when another was faster.</summary>
    public async Task<Claim?> TakeOverAsync(string caller, byte[] scope, UsedKey from, Guid fence, TimeSpan lease)
    {
        await using var command = Command("""
            UPDATE idempotency_keys
               SET state = 'running', fence = $4, attempts = attempts + 1, lease_until = ledger_now() + $5
             WHERE caller = $1 AND scope = $2 AND fence = $3
               AND (state = 'released' OR (state = 'running' AND lease_until <= ledger_now()))
            RETURNING result
            """, caller, scope, from.Fence, fence, lease);
        // What it committed is read here, under the row's lock: until now it may have.
        await using var rows = await command.ExecuteReaderAsync();
        return await rows.ReadAsync()
            ? new(caller, scope, fence, from.WorkId, IsRepeat: true, rows.IsDBNull(0) ? null : rows.GetFieldValue<byte[]>(0))
            : null;
    }

    public Task RenewAsync(Claim claim, TimeSpan lease, CancellationToken cancellation) => ExecuteAsync("""
        UPDATE idempotency_keys SET lease_until = ledger_now() + $4 WHERE caller = $1 AND scope = $2 AND fence = $3 AND state = 'running'
        """, cancellation, claim.Caller, claim.Scope, claim.Fence, lease);

    /// <summary>Keeps the answer; does nothing when the claim was lost.</summary>
    public Task CompleteAsync(Claim claim, int status, byte[] answer, CancellationToken cancellation) => ExecuteAsync("""
        UPDATE idempotency_keys SET state = 'done', answer_status = $4, answer = $5, result = NULL
         WHERE caller = $1 AND scope = $2 AND fence = $3 AND state = 'running'
        """, cancellation, claim.Caller, claim.Scope, claim.Fence, status, answer);

    /// <summary>Lets the next attempt at the same request go on, with the same ids: this one may have done the work.</summary>
    public Task ReleaseAsync(Claim claim, CancellationToken cancellation) => ReleaseAsync(claim, claim.WorkId, cancellation);

    /// <summary>Likewise, with the id that the next attempt works under.</summary>
    public Task ReleaseAsync(Claim claim, Guid workId, CancellationToken cancellation) => ExecuteAsync("""
        UPDATE idempotency_keys SET state = 'released', work_id = $4 WHERE caller = $1 AND scope = $2 AND fence = $3 AND state = 'running'
        """, cancellation, claim.Caller, claim.Scope, claim.Fence, workId);

    /// <summary>Leaves nothing of an attempt that did nothing.</summary>
    public Task ForgetAsync(Claim claim, CancellationToken cancellation) => ExecuteAsync("""
        DELETE FROM idempotency_keys WHERE caller = $1 AND scope = $2 AND fence = $3 AND state = 'running' AND result IS NULL
        """, cancellation, claim.Caller, claim.Scope, claim.Fence);

    /// <summary>Removes a key that is past its life, so that it can be used anew.</summary>
    public Task RemoveOverAsync(string caller, byte[] scope) => ExecuteAsync("""
        DELETE FROM idempotency_keys
         WHERE caller = $1 AND scope = $2 AND expires_at <= ledger_now() AND (state <> 'running' OR lease_until <= ledger_now())
        """, default, caller, scope);

    /// <summary>Removes keys past their life, at most <paramref name="limit"/>; how many it were.</summary>
    public Task<int> RemoveOverAsync(int limit, CancellationToken cancellation) => ExecuteAsync("""
        WITH past AS (
          SELECT caller, scope FROM idempotency_keys
           WHERE expires_at <= (SELECT ledger_now()) AND (state <> 'running' OR lease_until <= (SELECT ledger_now()))
           ORDER BY expires_at
           LIMIT $1
             FOR UPDATE SKIP LOCKED)
        DELETE FROM idempotency_keys k USING past WHERE k.caller = past.caller AND k.scope = past.scope
        """, cancellation, limit);

    private async Task<int> ExecuteAsync(string sql, CancellationToken cancellation, params object[] values)
    {
        await using var command = Command(sql, values);
        return await command.ExecuteNonQueryAsync(cancellation);
    }

    private NpgsqlCommand Command(string sql, params object[] values)
    {
        var command = database.CreateCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.Add(new() { Value = value });
        }

        return command;
    }
}
