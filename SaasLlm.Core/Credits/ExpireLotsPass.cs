using Microsoft.Extensions.Logging;
using Npgsql;
using SaasLlm.Core.Background;
using SaasLlm.Core.Common;
using SaasLlm.Core.Data;

namespace SaasLlm.Core.Credits;

/// <summary>Takes back what is free in lots whose time is over. What open jobs hold of them goes at a later pass, once it is free.</summary>
public sealed partial class ExpireLotsPass(NpgsqlDataSource source, ILedger ledger, ILogger<ExpireLotsPass> logger) : IBackgroundPass
{
    private const int BatchSizeMax = 200;

    // The clock stands in a sub-select so that it is read once, and the index can be asked for it.
    private const string Expired = """
        SELECT team_id, count(*) FROM (
          SELECT team_id FROM credit_lots
           WHERE is_open AND expires_at <= (SELECT ledger_now()) AND remaining > reserved
           ORDER BY expires_at LIMIT $1) lots
         GROUP BY team_id
        """;

    public TimeSpan Interval => TimeSpan.FromSeconds(5);

    /// <inheritdoc/>
    public async Task<bool> RunAsync(CancellationToken cancellation)
    {
        List<(string Team, long Lots)> expired;
        try
        {
            expired = await ReadAsync(cancellation);
        }
        catch (Exception exception) when (StoreErrors.IsUnavailable(exception))
        {
            LogStoreFailed(StoreErrors.Unavailable.Code);
            return false;
        }

        // The ledger decides under the account's lock; another runner may have been faster, and then nothing is left to take.
        var taken = await Task.WhenAll(expired.Select(team => ledger.ExpireLotsAsync(team.Team, cancellation)));
        if (taken.FirstOrDefault(answer => answer.Failure is { Kind: FailureKind.Unavailable }).Failure is { } failure)
        {
            LogStoreFailed(failure.Code);
            return false;
        }

        var teams = taken.Count(answer => answer.TryGet(out var credits, out _) && credits > 0);
        if (teams > 0)
        {
            LogExpired(teams);
        }

        return expired.Sum(team => team.Lots) == BatchSizeMax && teams > 0;
    }

    private async Task<List<(string Team, long Lots)>> ReadAsync(CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(Expired);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = BatchSizeMax });
        await using var rows = await command.ExecuteReaderAsync(cancellation);
        List<(string, long)> expired = [];
        while (await rows.ReadAsync(cancellation))
        {
            expired.Add((rows.GetString(0), rows.GetInt64(1)));
        }

        return expired;
    }

    [LoggerMessage(4121, LogLevel.Information, "Expired the lots of {Teams} teams")]
    private partial void LogExpired(int teams);

    [LoggerMessage(4122, LogLevel.Warning, "Expired lots wait: {Code}")]
    private partial void LogStoreFailed(string code);
}
