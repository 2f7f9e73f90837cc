using Microsoft.Extensions.Logging;
using Npgsql;
using SaasLlm.Core.Background;
using SaasLlm.Core.Common;

namespace SaasLlm.Core.Credits.Reconciliation;

/// <summary>
/// One page of the open run: its teams are checked, and the run's place moves on with what was found. Runners take turns by the
/// run's row lock; a page whose runner dies is done again.
/// </summary>
internal sealed partial class ReconciliationPass(
    NpgsqlDataSource source, ReconciliationReader reader, TeamReconciler teams, ReconciliationStore store, ReconciliationOptions options,
    ReconciliationTelemetry telemetry, TimeProvider time, ILogger<ReconciliationPass> logger) : IBackgroundPass
{
    public TimeSpan Interval => options.PollInterval;

    /// <inheritdoc/>
    public async Task<bool> RunAsync(CancellationToken cancellation)
    {
        await using var connection = await source.OpenConnectionAsync(cancellation);
        await ReconciliationStore.OpenRunAsync(connection, Uuid7.New(time), options.RunInterval, cancellation);
        var goOn = await CheckPageAsync(connection, cancellation);
        telemetry.Standing(await ReconciliationStore.StandingAsync(connection, cancellation));
        return goOn;
    }

    /// <inheritdoc/>
    public async Task PrepareRequestedAsync(CancellationToken cancellation)
    {
        await using var connection = await source.OpenConnectionAsync(cancellation);
        await ReconciliationStore.OpenRunAsync(connection, Uuid7.New(time), rest: null, cancellation);
    }

    private async Task<bool> CheckPageAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        if (await ReconciliationStore.ClaimAsync(connection, cancellation) is not { } run)
        {
            return false;
        }

        var page = await reader.PageAsync(connection, run.AfterTeamId, cancellation);
        if (page.Count == 0)
        {
            await store.FinishAsync(connection, run.RunId, cancellation);
        }
        else
        {
            var (differences, redis) = await teams.CheckAsync(connection, page, cancellation);
            await ReconciliationStore.AdvanceAsync(connection, run.RunId, page, differences.Count, redis, cancellation);
        }

        await transaction.CommitAsync(cancellation);
        if (page.Count == 0)
        {
            LogFinished(run.RunId);
        }

        return page.Count > 0;
    }

    [LoggerMessage(4211, LogLevel.Information, "Reconciliation run {RunId} has checked all teams")]
    private partial void LogFinished(Guid runId);
}
