using System.Globalization;
using Microsoft.Extensions.Logging;
using Npgsql;
using SaasLlm.Core.Background;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits.Writing;
using SaasLlm.Core.Data;
using SaasLlm.Core.Failpoints;

namespace SaasLlm.Core.Credits.Refills;

/// <summary>
/// Gives teams the credits that are due. The ledger knows a grant by its tick: whatever dies between the grant and the next tick's time,
/// none counts twice. After an outage of several ticks the newest is given, and the others are not.
/// </summary>
public sealed partial class RefillCreditsPass(NpgsqlDataSource source, ILedger ledger, TimeProvider time, ILogger<RefillCreditsPass> logger) : IBackgroundPass
{
    private const int BatchSizeMax = 200;

    // The clock stands in a sub-select so that it is read once, and the index can be asked for it.
    private const string Due = """
        SELECT team_id, period, mode, credits, expires, starts_at, ledger_now(), cost_basis_usd FROM credit_refills
         WHERE is_enabled AND next_refill_at <= (SELECT ledger_now())
         ORDER BY next_refill_at LIMIT $1
           FOR UPDATE SKIP LOCKED
        """;

    private const string Advance = """
        UPDATE credit_refills r SET next_refill_at = u.next, last_refill_at = u.tick, last_credits = u.credits
          FROM unnest($1, $2, $3, $4) AS u(team, next, tick, credits) WHERE r.team_id = u.team
        """;

    public TimeSpan Interval => TimeSpan.FromSeconds(5);

    /// <inheritdoc/>
    public async Task<bool> RunAsync(CancellationToken cancellation)
    {
        await using var connection = await source.OpenConnectionAsync(cancellation);
        // The rows' locks last until their ticks are decided: no other runner takes them, and no change of theirs comes in between.
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var due = await ReadAsync(connection, cancellation);
        var answers = await Task.WhenAll(due.Select(refill => ledger.RefillAsync(refill.Command(time), cancellation)));
        if (due.Count > 0)
        {
            Failpoint.Hit(FailpointName.RefillGranted);
        }

        var decided = due.Zip(answers).Where(one => one.Second.Failure is null).Select(one => (Refill: one.First, one.Second.Value.Credits)).ToList();
        await AdvanceAsync(connection, decided, cancellation);
        await transaction.CommitAsync(cancellation);
        if (decided.Count > 0)
        {
            LogRefilled(decided.Count(one => one.Credits > 0), decided.Count);
        }

        // What failed is due still: it waits for the next round rather than being asked for again at once.
        return answers.FirstOrDefault(answer => answer.Failure is not null).Failure is { } failure
            ? throw new PassFailedException($"Refills wait: {failure.Code}")
            : due.Count == BatchSizeMax;
    }

    private static async Task<List<DueRefill>> ReadAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(Due, connection) { Parameters = { Sql.Value(BatchSizeMax) } };
        await using var rows = await command.ExecuteReaderAsync(cancellation);
        List<DueRefill> due = [];
        while (await rows.ReadAsync(cancellation))
        {
            due.Add(DueRefill.Of(
                rows.GetString(0), rows.GetString(1), rows.GetString(2), rows.GetDecimal(3), rows.GetBoolean(4), rows.GetFieldValue<DateTimeOffset>(5),
                rows.GetFieldValue<DateTimeOffset>(6), rows.GetFieldValue<decimal?>(7)));
        }

        return due;
    }

    private static async Task AdvanceAsync(NpgsqlConnection connection, List<(DueRefill Refill, decimal Credits)> decided, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(Advance, connection)
        {
            Parameters =
            {
                Sql.Column(decided, NpgsqlTypes.NpgsqlDbType.Text, one => one.Refill.TeamId),
                Sql.Column(decided, NpgsqlTypes.NpgsqlDbType.TimestampTz, one => one.Refill.Next),
                Sql.Column(decided, NpgsqlTypes.NpgsqlDbType.TimestampTz, one => one.Refill.Tick),
                Sql.Column(decided, NpgsqlTypes.NpgsqlDbType.Numeric, one => one.Credits),
            },
        };
        await command.ExecuteNonQueryAsync(cancellation);
    }

    private sealed record DueRefill(string TeamId, string Mode, decimal Credits, bool Expires, decimal? CostBasisUsd, DateTimeOffset Tick, DateTimeOffset Next)
    {
        public static DueRefill Of(
            string team, string period, string mode, decimal credits, bool expires, DateTimeOffset startsAt, DateTimeOffset now, decimal? costBasisUsd)
        {
            var passed = RefillPeriod.TicksUntil(period, startsAt, now);
            return new(team, mode, credits, expires, costBasisUsd, RefillPeriod.TickAt(period, startsAt, passed - 1), RefillPeriod.TickAt(period, startsAt, passed));
        }

        public RefillCredits Command(TimeProvider time) => new(
            TransactionId.New(time), TeamId, Mode, Credits, Tick.ToString("yyyy-MM-ddTHH:mm:ss.ffffffZ", CultureInfo.InvariantCulture), Expires ? Next : null,
            "Automatic refill", CostBasisUsd);
    }

    [LoggerMessage(4131, LogLevel.Information, "Refilled {Teams} teams of {Due} whose refill was due")]
    private partial void LogRefilled(int teams, int due);
}
