using System.Runtime.CompilerServices;
using System.Text.Json;
using Npgsql;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits.Writing;

namespace SaasLlm.Core.Jobs.Background;

/// <summary>What a step came to.</summary>
/// <param name="Content">The text of the answer's first choice; null: it has not succeeded.</param>
/// <param name="Response">OpenAI's chat completion; its <c>model</c> is the group's name.</param>
/// <param name="Sequence">The number of the event that its end is; null: it has not ended.</param>
public sealed record StepResult(
    int Ordinal, string Name, string Status, string? Content, JsonElement? Response, string? ErrorCode, string? ErrorMessage, long? Tokens, int? LatencyMs,
    int? Sequence, DateTimeOffset? EndedAt);

/// <summary>Reads what background jobs were answered.</summary>
public sealed class StepResults
{
    // Rows are read in pieces, so that ten thousand long answers are never in memory together.
    private const int PieceMax = 100;

    private const string Columns = "ordinal, name, status, output, error_code, error_message, tokens, latency_ms, ended_sequence, ended_at";

    private const string ByOrdinal = $"""
        SELECT {Columns} FROM background_steps WHERE team_id = $1 AND job_id = $2 AND ordinal > $3 ORDER BY ordinal LIMIT $4
        """;

    private const string BySequence = $"""
        SELECT {Columns} FROM background_steps
         WHERE team_id = $1 AND job_id = $2 AND ended_sequence IS NOT NULL AND ended_sequence > $3 ORDER BY ended_sequence LIMIT $4
        """;

    private readonly BackgroundDatabase _database;
    private readonly StepCipher _cipher;

    internal StepResults(BackgroundDatabase database, StepCipher cipher) => (_database, _cipher) = (database, cipher);

    /// <summary>A page of a job's steps in their order.</summary>
    public async Task<Page<StepResult>> PageAsync(string teamId, JobId jobId, PageQuery page, CancellationToken cancellation)
    {
        var after = int.TryParse(page.After, System.Globalization.CultureInfo.InvariantCulture, out var ordinal) ? ordinal : -1;
        var rows = await ReadAsync(ByOrdinal, teamId, jobId, after, page.Limit + 1, cancellation);
        return Page.From(rows, page.Limit, row => row.Ordinal.ToString(System.Globalization.CultureInfo.InvariantCulture));
    }

    /// <summary>All of a job's steps in their order.</summary>
    public async IAsyncEnumerable<StepResult> AllAsync(string teamId, JobId jobId, [EnumeratorCancellation] CancellationToken cancellation)
    {
        for (var after = -1; await ReadAsync(ByOrdinal, teamId, jobId, after, PieceMax, cancellation) is { Count: > 0 } piece; after = piece[^1].Ordinal)
        {
            foreach (var row in piece)
            {
                yield return row;
            }
        }
    }

    /// <summary>The steps that ended after event <paramref name="sequence"/>, in the order they ended in; at most a hundred.</summary>
    public Task<IReadOnlyList<StepResult>> EndedAfterAsync(string teamId, JobId jobId, int sequence, CancellationToken cancellation)
        => ReadAsync(BySequence, teamId, jobId, sequence, PieceMax, cancellation);

    private async Task<IReadOnlyList<StepResult>> ReadAsync(string sql, string teamId, JobId jobId, int after, int limit, CancellationToken cancellation)
    {
        await using var command = _database.Source.CreateCommand(sql);
        command.Parameters.Add(Sql.Value(teamId));
        command.Parameters.Add(Sql.Value(jobId.Value));
        command.Parameters.Add(Sql.Value(after));
        command.Parameters.Add(Sql.Value(limit));
        await using var rows = await command.ExecuteReaderAsync(cancellation);
        List<StepResult> results = [];
        while (await rows.ReadAsync(cancellation))
        {
            results.Add(Read(rows, teamId, jobId));
        }

        return results;
    }

    private StepResult Read(NpgsqlDataReader rows, string teamId, JobId jobId)
    {
        var ordinal = rows.GetInt32(0);
        var response = rows.IsDBNull(3)
            ? (JsonElement?)null
            : JsonElement.Parse(_cipher.Open(Sealed.Output, new(teamId, jobId, ordinal), rows.GetFieldValue<byte[]>(3)));
        return new(
            ordinal, rows.GetString(1), rows.GetString(2), response is { } given ? StepOutput.Text(given) : null, response,
            rows.IsDBNull(4) ? null : rows.GetString(4), rows.IsDBNull(5) ? null : rows.GetString(5),
            rows.IsDBNull(6) ? null : rows.GetInt64(6), rows.IsDBNull(7) ? null : rows.GetInt32(7), rows.IsDBNull(8) ? null : rows.GetInt32(8),
            rows.IsDBNull(9) ? null : rows.GetFieldValue<DateTimeOffset>(9));
    }
}
