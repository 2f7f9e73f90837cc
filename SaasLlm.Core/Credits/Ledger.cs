using SaasLlm.Core.Common;
using SaasLlm.Core.Credits.Redis;
using SaasLlm.Core.Credits.Rules;
using SaasLlm.Core.Credits.Writing;
using SaasLlm.Core.Data;
using SaasLlm.Core.Failpoints;
using SaasLlm.Core.Jobs;

namespace SaasLlm.Core.Credits;

/// <inheritdoc cref="ILedger"/>
internal sealed class Ledger(
    LedgerWriter writer, Reservations reservations, BalanceReader balances, LedgerOptions options, LedgerTelemetry telemetry, TimeProvider time)
    : ILedger
{
    private static readonly TimeSpan s_completePause = TimeSpan.FromMilliseconds(50);

    public async Task<Result<OpenedJob>> OpenJobAsync(OpenJob command, CancellationToken cancellation)
    {
        using var activity = LedgerTelemetry.Source.StartActivity("open job");
        if (await reservations.ReserveAsync(command.TeamId, command.JobId, command.Lifetime) is { } refusal)
        {
            return refusal;
        }

        Failpoint.Hit(FailpointName.AfterReserve);
        var isOpen = false;
        try
        {
            var scope = new CommandScope("open_job", command.TeamId) { Job = command.JobId, LocksAccount = true };
            var result = await SubmitAsync<OpenedJob>(scope, (state, now) => OpenJobRule.Decide(state, command, now), cancellation);
            // Unknown may well be open: its reservation ends with its lease.
            isOpen = result.Failure is null or { Code: "store.outcome_unknown" };
            return result.Failure is { Kind: FailureKind.InsufficientCredits } failure ? await WithHoldsAsync(failure, command.TeamId) : result;
        }
        finally
        {
            if (!isOpen)
            {
                await reservations.ReleaseAsync(command.TeamId, command.JobId);
            }
        }
    }

    public Task<Result<StartedCall>> StartCallAsync(StartCall command, CancellationToken cancellation)
    {
        var scope = new CommandScope("start_call", command.TeamId) { Job = command.JobId };
        return SubmitAsync<StartedCall>(scope, (state, now) => CallRules.Start(state, command, now), cancellation);
    }

    public Task<Result<Accepted>> NextAttemptAsync(NextAttempt command, CancellationToken cancellation)
    {
        var scope = new CommandScope("next_attempt", command.TeamId) { Job = command.JobId };
        return SubmitAsync<Accepted>(scope, (state, now) => CallRules.Next(state, command, now), cancellation);
    }

    public Task<Result<Accepted>> EndCallAsync(EndCall command, CancellationToken cancellation)
    {
        var scope = new CommandScope("end_call", command.TeamId) { Job = command.JobId, EndsCall = command.CallId };
        return SubmitAsync<Accepted>(scope, (state, now) => CallRules.End(state, command, now), cancellation);
    }

    public async Task<Result<ClosedJob>> CloseJobAsync(CloseJob command, CancellationToken cancellation)
    {
        if (JobStatus.IsOpen(command.Status))
        {
            throw new ArgumentException("A job ends as completed, failed, cancelled or expired.", nameof(command));
        }

        using var activity = LedgerTelemetry.Source.StartActivity("close job");
        var ids = RowIds.New(time);
        var until = time.GetUtcNow() + options.CompleteWait;
        while (true)
        {
            var scope = new CommandScope("close_job", command.TeamId)
            {
                Job = command.JobId,
                LocksAccount = true,
                NeedsRunning = command.Status == JobStatus.Completed,
                FreesCredits = true,
            };
            var result = await SubmitAsync<ClosedJob>(scope, (state, now) => CloseJobRule.Decide(state, command, ids, now), cancellation);
            // The wait is here, between transactions: while it lasts, the call can end and the job can be cancelled.
            if (result.Failure?.Code != LedgerFailures.CallRunning.Code || time.GetUtcNow() >= until)
            {
                return result;
            }

            await Task.Delay(s_completePause, time, cancellation);
        }
    }

    public Task<Result<PostedTransaction>> AddCreditsAsync(AddCredits command, CancellationToken cancellation)
    {
        var ids = RowIds.New(time);
        var scope = new CommandScope("add_credits", command.TeamId) { Posts = command.TransactionId, LocksAccount = true, FreesCredits = true };
        return SubmitAsync<PostedTransaction>(scope, (state, now) => AddCreditsRule.Decide(state, command, ids, now), cancellation);
    }

    private Task<Result<T>> SubmitAsync<T>(
        CommandScope scope, Func<LedgerState, DateTimeOffset, Decision<T>> rule, CancellationToken cancellation)
        => writer.SubmitAsync(new LedgerCommand<T>(scope, rule, telemetry, cancellation), cancellation);

    private async Task<Failure> WithHoldsAsync(Failure refusal, string teamId)
    {
        try
        {
            return CreditRefusal.WithHolds(refusal, await balances.HoldsAsync(teamId));
        }
        catch (Exception exception) when (StoreErrors.IsUnavailable(exception))
        {
            return CreditRefusal.WithHolds(refusal, []);
        }
    }
}
