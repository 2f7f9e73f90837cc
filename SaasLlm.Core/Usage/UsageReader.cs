using System.Data;
using System.Runtime.CompilerServices;
using Npgsql;
using SaasLlm.Core.Common;

namespace SaasLlm.Core.Usage;

/// <summary>
/// Usage reports. Closed hours are read from their roll-ups and the others from the tables, in one snapshot: the sums are those of the
/// tables at every moment, and what a month costs to read does not depend on how much was done in it.
/// </summary>
public sealed class UsageReader(NpgsqlDataSource database)
{
    /// <summary>How many reports a process streams at once: each holds a connection as long as its reader takes.</summary>
    public const int StreamsMax = 4;

    private int _streams;

    /// <summary>Whose usage a team may read: its own. 404 <c>team.not_found</c>.</summary>
    public async Task<Result<string[]>> TeamAsync(string teamId, CancellationToken cancellation)
        => await ReadTeamsAsync("SELECT team_id FROM teams WHERE team_id = $1", teamId, cancellation) is { Length: > 0 } teams
            ? teams
            : new Failure(FailureKind.NotFound, "team.not_found", "There is no such team.");

    /// <summary>The teams of an organization. 404 <c>organization.not_found</c>.</summary>
    public async Task<Result<string[]>> TeamsOfAsync(string organizationId, CancellationToken cancellation)
    {
        var found = await ReadTeamsAsync("SELECT organization_id FROM organizations WHERE organization_id = $1", organizationId, cancellation);
        return found.Length == 0
            ? new Failure(FailureKind.NotFound, "organization.not_found", "There is no such organization.")
            : await ReadTeamsAsync("SELECT team_id FROM teams WHERE organization_id = $1 ORDER BY team_id", organizationId, cancellation);
    }

    /// <summary>Reads a report: the whole, and a page of its rows where they are grouped.</summary>
    /// <param name="after">The keys of the last row before; null for the first page.</param>
    /// <param name="limit">Rows of a page.</param>
    public async Task<UsageReport> ReadAsync(UsageQuery query, IReadOnlyList<string>? after, int limit, CancellationToken cancellation)
    {
        await using var snapshot = await SnapshotAsync(cancellation);
        var whole = await snapshot.ListAsync(UsageReport.SummaryOf(query), null, null, cancellation);
        var rows = query.GroupBy.Count == 0 ? [] : await snapshot.ListAsync(query, after, limit + 1, cancellation);
        return UsageReport.Of(whole, rows, limit);
    }

    /// <summary>A turn to stream a report, ended by its disposal; null when all are taken.</summary>
    public IDisposable? TryTakeTurn()
    {
        if (Interlocked.Increment(ref _streams) <= StreamsMax)
        {
            return new Turn(this);
        }

        Interlocked.Decrement(ref _streams);
        return null;
    }

    /// <summary>All rows of a report, one after another.</summary>
    public async IAsyncEnumerable<UsageRow> StreamAsync(UsageQuery query, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await using var snapshot = await SnapshotAsync(cancellation);
        await foreach (var row in snapshot.ReadAsync(query, null, null, cancellation))
        {
            yield return row;
        }
    }

    private async Task<UsageSnapshot> SnapshotAsync(CancellationToken cancellation)
    {
        var connection = await database.OpenConnectionAsync(cancellation);
        try
        {
            // The watermark and the rows on both sides of it are of one moment.
            return await UsageSnapshot.BeginAsync(connection, await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellation), cancellation);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    private async Task<string[]> ReadTeamsAsync(string sql, string id, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand(sql);
        command.Parameters.Add(new() { Value = id });
        await using var rows = await command.ExecuteReaderAsync(cancellation);
        var teams = new List<string>();
        while (await rows.ReadAsync(cancellation))
        {
            teams.Add(rows.GetString(0));
        }

        return [.. teams];
    }

    private sealed class Turn(UsageReader reader) : IDisposable
    {
        private int _isOver;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isOver, 1) == 0)
            {
                Interlocked.Decrement(ref reader._streams);
            }
        }
    }
}
