using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using SaasLlm.Core.Common;
using SaasLlm.Core.Data;

namespace SaasLlm.Core.Llm.Bodies;

/// <summary>Reads what calls asked and were answered, of teams that keep it.</summary>
public sealed class CallBodyReader
{
    private static readonly Failure s_notKept = new(
        FailureKind.NotFound, "call_body.not_kept", "Nothing is kept of such a call: the team did not keep bodies then, its time is over, or it was not made.");

    private static readonly Failure s_unreadable = new(
        FailureKind.NotFound, "call_body.unreadable", "What was kept of the call cannot be read any more: the operator's encryption key is another one now.");

    private readonly IDbContextFactory<SaasLlmDbContext> _contexts;
    private readonly CallBodyCipher _cipher;

    internal CallBodyReader(IDbContextFactory<SaasLlmDbContext> contexts, CallBodyCipher cipher) => (_contexts, _cipher) = (contexts, cipher);

    /// <summary>
    /// 404 <c>call_body.not_kept</c>; 404 <c>call_body.too_long</c> with the sizes where neither the request nor an answer is short enough;
    /// 404 <c>call_body.unreadable</c> where it was encrypted with another key.
    /// </summary>
    /// <param name="teamId">Whose job it is.</param>
    public async Task<Result<KeptBody>> FindAsync(string teamId, JobId jobId, CallId callId, CancellationToken cancellation)
    {
        await using var db = await _contexts.CreateDbContextAsync(cancellation);
        var row = await db.LlmCallBodies.AsNoTracking()
            .Where(body => body.TeamId == teamId && body.CallId == callId.Value && body.JobId == jobId.Value && body.ExpiresAt > SaasLlmDbContext.LedgerNow())
            .OrderByDescending(body => body.ExpiresAt)
            .FirstOrDefaultAsync(cancellation);
        return row switch
        {
            null => s_notKept,
            { Request: null, Answer: null } => TooLong(row),
            _ => Opened(row),
        };
    }

    private Result<KeptBody> Opened(LlmCallBody row)
    {
        var (request, answer) = (Open(CallBodyCipher.Request, row, row.Request), Open(CallBodyCipher.Answer, row, row.Answer));
        var isReadable = (row.Request is null || request is not null) && (row.Answer is null || answer is not null);
        return isReadable ? new KeptBody(row, request, answer) : s_unreadable;
    }

    private static Failure TooLong(LlmCallBody row)
        => new(FailureKind.NotFound, "call_body.too_long", "The call's request and answer were longer than is kept.")
        {
            Details = new Dictionary<string, object?> { ["request_bytes"] = row.RequestBytes, ["answer_bytes"] = row.AnswerBytes },
        };

    private JsonElement? Open(string what, LlmCallBody row, byte[]? stored)
        => stored is null ? null : _cipher.Open(what, row.TeamId, row.CallId, stored);
}

/// <summary>A call's body, readable.</summary>
/// <param name="Request">Null: it was longer than is kept.</param>
/// <param name="Answer">Null: there was none, or it was longer than is kept.</param>
public sealed record KeptBody(LlmCallBody Row, JsonElement? Request, JsonElement? Answer);
