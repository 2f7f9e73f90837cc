using Microsoft.EntityFrameworkCore;
using SaasLlm.Core.Common;

namespace SaasLlm.Core.Idempotency;

/// <summary>
/// One attempt at a request, as the work sees it. What it makes takes <see cref="Id"/>, which is the same in every attempt: a ledger
/// command of the same id answers as it did before. A transaction of EF commits its result with <c>KeepAsync</c> and asks
/// <see cref="Recall"/> first. Without an Idempotency-Key it is <see cref="Once"/>, and all of this costs nothing.
/// </summary>
public sealed class IdempotentWork
{
    private readonly IdempotencyCipher? _cipher;

    private IdempotentWork(Guid id) => Id = id;

    internal IdempotentWork(Claim claim, IdempotencyCipher cipher)
    {
        (Id, Claim, _cipher) = (claim.WorkId, claim, cipher);
    }

    /// <summary>The id (UUIDv7) of the one row that the request makes.</summary>
    public Guid Id { get; }

    /// <summary>An attempt before this one may have done the work.</summary>
    public bool IsRepeat => Claim is { IsRepeat: true };

    internal Claim? Claim { get; }

    /// <summary>The work of a request without a key: done once, whatever comes.</summary>
    public static IdempotentWork Once(TimeProvider time) => new(Uuid7.New(time));

    /// <summary>What an attempt before this one committed, or null: do the work.</summary>
    public T? Recall<T>()
        where T : class
        => Claim is { Result: { } result } claim ? _cipher!.OpenResult<T>(result, claim.Caller, claim.Scope) : null;

    internal byte[] Seal<T>(T result) => _cipher!.SealResult(result, Claim!.Caller, Claim.Scope);
}

internal static class IdempotentWorkExtensions
{
    /// <summary>
    /// Commits the result with the work, in the transaction that <paramref name="db"/> is in; nothing when the work has no key.
    /// Throws <see cref="ClaimLostException"/> when another attempt has taken over: let that roll the transaction back.
    /// </summary>
    public static async Task KeepAsync<T>(this IdempotentWork? work, DbContext db, T result, CancellationToken cancellation)
        where T : class
    {
        if (work?.Claim is not { } claim)
        {
            return;
        }

        var stored = work.Seal(result);
        var rows = await db.Database.ExecuteSqlAsync($"""
            UPDATE idempotency_keys SET result = {stored}
             WHERE caller = {claim.Caller} AND scope = {claim.Scope} AND fence = {claim.Fence} AND state = 'running'
            """, cancellation);
        if (rows == 0)
        {
            throw new ClaimLostException();
        }
    }
}

/// <summary>This attempt took too long, and another one works on the request now.</summary>
public sealed class ClaimLostException() : Exception("Another attempt has taken this request over.");
