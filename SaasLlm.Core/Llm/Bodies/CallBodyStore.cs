using Npgsql;
using SaasLlm.Core.Credits.Writing;

namespace SaasLlm.Core.Llm.Bodies;

/// <summary>Writes bodies: sealed, and many at once.</summary>
internal sealed class CallBodyStore(NpgsqlDataSource source, CallBodyCipher cipher)
{
    // A day is 24 hours, whatever the session's time zone says. What was written before its reply was lost is there already.
    private const string Insert = """
        INSERT INTO llm_call_bodies (team_id, call_id, job_id, model_group, error_code, request, request_bytes, answer, answer_bytes, kept_at, expires_at)
        SELECT team_id, call_id, job_id, model_group, error_code, request, request_bytes, answer, answer_bytes, $11, $11 + keep_days * interval '24 hours'
          FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
               AS n (team_id, call_id, job_id, model_group, error_code, request, request_bytes, answer, answer_bytes, keep_days)
        ON CONFLICT DO NOTHING
        """;

    public SealedBody Seal(CallBody body) => new(
        body, Seal(CallBodyCipher.Request, body, body.Request), Seal(CallBodyCipher.Answer, body, body.Answer));

    /// <summary>Postgres' clock.</summary>
    public async Task<DateTimeOffset> NowAsync(CancellationToken cancellation)
    {
        await using var command = source.CreateCommand("SELECT ledger_now()");
        return new((DateTime)(await command.ExecuteScalarAsync(cancellation))!, TimeSpan.Zero);
    }

    /// <summary>Each once, however often it is repeated with the same time.</summary>
    public async Task InsertAsync(IReadOnlyList<SealedBody> rows, DateTimeOffset keptAt, CancellationToken cancellation)
    {
        await using var connection = await source.OpenConnectionAsync(cancellation);
        await using var batch = new NpgsqlBatch(connection);
        batch.AddRows(Insert, rows)?
            .Text(row => row.Body.TeamId)
            .Uuid(row => row.Body.CallId.Value)
            .Uuid(row => row.Body.JobId.Value)
            .Text(row => row.Body.ModelGroup)
            .Text(row => row.Body.ErrorCode)
            .Bytea(row => row.Request)
            .Integer(row => row.Body.Request.Bytes)
            .Bytea(row => row.Answer)
            .Integer(row => row.Body.Answer.Bytes)
            .Integer(row => row.Body.KeepDays)
            .Value(keptAt);
        await batch.ExecuteNonQueryAsync(cancellation);
    }

    private byte[]? Seal(string what, CallBody body, BodyText text)
        => text.Json is null ? null : cipher.Seal(what, body.TeamId, body.CallId.Value, text.Utf8);
}

/// <summary>A body as it is stored.</summary>
internal sealed record SealedBody(CallBody Body, byte[]? Request, byte[]? Answer);
