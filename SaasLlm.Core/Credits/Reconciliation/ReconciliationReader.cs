using Npgsql;
using SaasLlm.Core.Credits.Writing;

namespace SaasLlm.Core.Credits.Reconciliation;

/// <summary>
/// Holds the books inside Postgres against each other: accounts, transactions, lots and jobs. It reads the whole ledger of the
/// teams it is given, and of no other.
/// </summary>
internal sealed class ReconciliationReader(ReconciliationOptions options)
{
    /// <summary>The teams that follow <paramref name="afterTeamId"/>; none when that was the last.</summary>
    public async Task<IReadOnlyList<string>> PageAsync(NpgsqlConnection connection, string afterTeamId, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(ReconciliationSql.Page, connection)
        {
            Parameters = { Sql.Value(afterTeamId), Sql.Value(options.TeamsMax), Sql.Value(options.TransactionsMax) },
        };
        await using var rows = await command.ExecuteReaderAsync(cancellation);
        List<string> teams = [];
        while (await rows.ReadAsync(cancellation))
        {
            teams.Add(rows.GetString(0));
        }

        return teams;
    }

    /// <summary>All that does not agree in the books of these teams.</summary>
    public async Task<IReadOnlyList<Difference>> DifferencesAsync(
        NpgsqlConnection connection, IReadOnlyList<string> teams, CancellationToken cancellation)
    {
        await using var batch = new NpgsqlBatch(connection) { Timeout = (int)Math.Ceiling(options.StatementTimeout.TotalSeconds) };
        foreach (var check in ReconciliationSql.Checks)
        {
            batch.Add(check, Sql.Value<string[]>([.. teams]), Sql.Value(options.DifferencesMax));
        }

        await using var rows = await batch.ExecuteReaderAsync(cancellation);
        List<Difference> found = [];
        do
        {
            while (await rows.ReadAsync(cancellation))
            {
                found.Add(new(rows.GetString(0), rows.GetString(1), rows.GetString(2), rows.GetDecimal(3), rows.GetDecimal(4)));
            }
        }
        while (await rows.NextResultAsync(cancellation));

        return found;
    }
}
