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
        return await OpenAsync<OpenedJob>("open_job", command, (state, now) => OpenJobRule.Decide(state, command, now), cancellation);
    }

    public async Task<Result<StartedCall>> OpenJobWithCallAsync(OpenJob job, StartCall call, CancellationToken cancellation)
    {
        using var activity = LedgerTelemetry.Source.StartActivity("open job with call");
        // What runs is read only where the job is there already.
        var result = await OpenAsync<StartedCall>(
            "open_job_with_call", job, (state, now) => SingleCallRules.Open(state, job, call, now), cancellation, needsRunning: true);
        // Refused at its opening: a shorter answer would not have helped.
        return result.Failure is { Kind: FailureKind.InsufficientCredits } refused ? CallRoom.Closed(refused, call.Lengths) : result;
    }

    public async Task<Result<StartedCall>> StartCallAsync(StartCall command, CancellationToken cancellation)
    {
        var scope = new CommandScope("start_call", command.TeamId) { Job = command.JobId };
        var result = await SubmitAsync<StartedCall>(scope, (state, now) => CallRules.Start(state, command, now), cancellation);
        if (result.Failure == CallRules.AccountNeeded)
        {
            var whole = scope with { LocksAccount = true, NeedsRunning = true };
            result = await SubmitAsync<StartedCall>(whole, (state, now) => CallRules.Start(state, command, now), cancellation);
        }

        return result.Failure is { Kind: FailureKind.InsufficientCredits } failure ? await WithHoldsAsync(failure, command.TeamId) : result;
    }

    public Task<Result<Accepted>> NextAttemptAsync(NextAttempt command, CancellationToken cancellation)
    {
        var scope = new CommandScope("next_attempt", command.TeamId) { Job = command.JobId };
        return SubmitAsync<Accepted>(scope, (state, now) => CallRules.Next(state, command, now), cancellation);
    }

    public async Task<Result<Accepted>> EndCallAsync(EndCall command, CancellationToken cancellation)
    {
        var ids = RowIds.New(time);
        var scope = new CommandScope("end_call", command.TeamId) { Job = command.JobId, EndsCall = command.CallId };
        var result = await SubmitAsync<Accepted>(scope, (state, now) => CallRules.End(state, command, ids, now), cancellation);
        return result.Failure == CallRules.AccountNeeded
            ? await SubmitAsync<Accepted>(scope with { LocksAccount = true }, (state, now) => CallRules.End(state, command, ids, now), cancellation)
            : result;
    }

    public async Task<Result<ClosedJob>> EndCallAndJobAsync(EndCall call, CancellationToken cancellation)
    {
        var ids = RowIds.New(time);
        var scope = new CommandScope("end_call_and_job", call.TeamId)
        {
            Job = call.JobId,
            EndsCall = call.CallId,
            LocksAccount = true,
            NeedsRunning = true,
            FreesCredits = true,
        };
        return await SubmitAsync<ClosedJob>(scope, (state, now) => SingleCallRules.End(state, call, ids, now), cancellation);
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
        var isEnd = false;
        while (true)
        {
            var scope = new CommandScope("close_job", command.TeamId)
            {
                Job = command.JobId,
                LocksAccount = true,
                NeedsRunning = command is { Status: JobStatus.Completed, IsPlanned: false },
                FreesCredits = true,
            };
            var result = await SubmitAsync<ClosedJob>(scope, (state, now) =>
            {
                var decision = CloseJobRule.Decide(state, command, ids, now);
                isEnd = decision.Entries.Count > 0;
                return decision;
            }, cancellation);
            // A repeat reads the stored answer, and counts nothing.
            if (isEnd && result.TryGet(out var ended, out _))
            {
                telemetry.Uncollected(ended.UncollectedCredits);
            }

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
        var scope = Change("add_credits", command.TeamId, command.TransactionId) with
        {
            Grants = command.Terms.Reference is { } reference ? new(command.Terms.Source, reference) : null,
        };
        return SubmitAsync<PostedTransaction>(scope, (state, now) => AddCreditsRule.Decide(state, command, ids, now), cancellation);
    }

    public Task<Result<Refilled>> RefillAsync(RefillCredits command, CancellationToken cancellation)
    {
        var ids = RowIds.New(time);
        var scope = Change("refill_credits", command.TeamId, command.TransactionId) with { Grants = new(LotSource.Refill, command.Reference) };
        return SubmitAsync<Refilled>(scope, (state, now) => RefillRule.Decide(state, command, ids, now), cancellation);
    }

    public Task<Result<PostedTransaction>> RefundJobAsync(RefundJob command, CancellationToken cancellation)
    {
        var ids = RowIds.New(time);
        var scope = Change("refund_job", command.TeamId, command.TransactionId) with { Job = command.JobId, NeedsBurnedLots = true };
        return SubmitAsync<PostedTransaction>(scope, (state, now) => CorrectionRules.Refund(state, command, ids, now), cancellation);
    }

    public Task<Result<PostedTransaction>> AdjustCreditsAsync(AdjustCredits command, CancellationToken cancellation)
    {
        var ids = RowIds.New(time);
        return SubmitAsync<PostedTransaction>(
            Change("adjust_credits", command.TeamId, command.TransactionId),
            (state, now) => CorrectionRules.Adjust(state, command, ids, now), cancellation);
    }

    public Task<Result<decimal>> ExpireLotsAsync(string teamId, CancellationToken cancellation)
    {
        var ids = RowIds.New(time);
        return SubmitAsync<decimal>(
            Change("expire_lots", teamId), (state, now) => CorrectionRules.Expire(state, ids, now), cancellation);
    }

    public Task<Result<Accepted>> ConfigureAccountAsync(ConfigureAccount command, CancellationToken cancellation)
        => SubmitAsync<Accepted>(
            Change("configure_account", command.TeamId), (state, _) => ConfigureAccountRule.Decide(state, command), cancellation);

    private static CommandScope Change(string kind, string teamId, TransactionId? posts = null)
        => new(kind, teamId) { LocksAccount = true, FreesCredits = true, Posts = posts };

    private async Task<Result<T>> OpenAsync<T>(
        string kind, OpenJob job, Func<LedgerState, DateTimeOffset, Decision<T>> rule, CancellationToken cancellation, bool needsRunning = false)
    {
        if (await reservations.ReserveAsync(job.TeamId, job.JobId, job.Price, job.Lifetime, job.Reserved) is { } refusal)
        {
            return refusal;
        }

        Failpoint.Hit(FailpointName.AfterReserve);
        var isOpen = false;
        try
        {
            var scope = new CommandScope(kind, job.TeamId) { Job = job.JobId, LocksAccount = true, NeedsRunning = needsRunning };
            var result = await SubmitAsync(scope, rule, cancellation);
            // Unknown may well be open: its reservation ends with its lease.
            isOpen = result.Failure is null or { Code: "store.outcome_unknown" };
            return result.Failure is { Kind: FailureKind.InsufficientCredits } failure ? await WithHoldsAsync(failure, job.TeamId) : result;
        }
        finally
        {
            if (!isOpen)
            {
                await reservations.ReleaseAsync(job.TeamId, job.JobId);
            }
        }
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
