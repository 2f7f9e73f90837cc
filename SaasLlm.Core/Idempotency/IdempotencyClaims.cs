using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using SaasLlm.Core.Common;
using SaasLlm.Core.Data;

namespace SaasLlm.Core.Idempotency;

/// <summary>A request may begin: either there is work to do, or an answer to send again.</summary>
public readonly record struct Entered(IdempotentWork? Work, StoredAnswer? Answer);

/// <summary>Lets one attempt at a keyed request work, and has its twins wait for the answer; across processes, and outside any transaction.</summary>
public sealed partial class IdempotencyClaims
{
    private static readonly TimeSpan s_pauseMin = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan s_pauseMax = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan s_finishMax = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_finishPause = TimeSpan.FromMilliseconds(500);

    private readonly IdempotencyStore _store;
    private readonly IdempotencyCipher _cipher;
    private readonly IdempotencyOptions _options;
    private readonly IdempotencyTelemetry _telemetry;
    private readonly TimeProvider _time;
    private readonly ILogger<IdempotencyClaims> _logger;

    internal IdempotencyClaims(
        IdempotencyStore store, IdempotencyCipher cipher, IOptions<IdempotencyOptions> options, IdempotencyTelemetry telemetry,
        TimeProvider time, ILogger<IdempotencyClaims> logger)
        => (_store, _cipher, _options, _telemetry, _time, _logger) = (store, cipher, options.Value, telemetry, time, logger);

    /// <summary>409 <c>idempotency.in_progress</c>: the answer to an attempt whose claim was lost, too.</summary>
    public static Failure InProgress => IdempotencyRules.InProgress;

    /// <summary>
    /// 409 <c>idempotency.key_reused</c> for another body, <c>idempotency.in_progress</c> when the twin outlasts the wait,
    /// <c>idempotency.outcome_unknown</c> when it died and may not be repeated.
    /// </summary>
    public async Task<Result<Entered>> EnterAsync(KeyedRequest request, CancellationToken cancellation)
    {
        var (scope, hash) = (request.Scope(), _cipher.Fingerprint(request));
        var until = _time.GetUtcNow() + (request.MayRepeat ? _options.WaitMax : _options.CallWaitMax);
        var pause = s_pauseMin;
        UsedKey? used = null;
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            // A claim is not broken off: nobody would work on it, and nobody could tell.
            if (used is null && await _store.TryClaimAsync(request, scope, hash, Uuid7.New(_time), Uuid7.New(_time), _options.Lease) is { } claim)
            {
                return Begin(claim, "first");
            }

            used = await _store.FindAsync(request.Caller, scope, cancellation);
            switch (used is null ? KeyVerdict.Remove : IdempotencyRules.Decide(used, hash, request.MayRepeat))
            {
                case KeyVerdict.Replay when Read(used!, request.Caller, scope) is { } answer:
                    _telemetry.Entered("replayed");
                    return new Entered(null, answer);
                case KeyVerdict.TakeOver:
                    if (await _store.TakeOverAsync(request.Caller, scope, used!, Uuid7.New(_time), _options.Lease) is { } taken)
                    {
                        return Begin(taken, "repeat");
                    }

                    break;
                case KeyVerdict.Remove:
                    await _store.RemoveOverAsync(request.Caller, scope);
                    used = null;
                    break;
                case KeyVerdict.Reused:
                    return Refuse(IdempotencyRules.Reused);
                case KeyVerdict.Wait when _time.GetUtcNow() >= until:
                    return Refuse(IdempotencyRules.InProgress);
                case KeyVerdict.Wait:
                    await Task.Delay(pause, _time, cancellation);
                    pause = pause * 2 < s_pauseMax ? pause * 2 : s_pauseMax;
                    break;
                default:
                    return Refuse(IdempotencyRules.OutcomeUnknown);
            }
        }
    }

    /// <summary>Gives signs of life until it is disposed.</summary>
    public IAsyncDisposable KeepAlive(IdempotentWork work)
        => new ClaimHeartbeat(token => _store.RenewAsync(work.Claim!, _options.Lease, token), _options.Lease / 3, _time);

    /// <summary>Keeps the answer for repeats.</summary>
    public Task CompleteAsync(IdempotentWork work, StoredAnswer answer)
    {
        var claim = work.Claim!;
        var stored = _cipher.Seal(answer, claim.Caller, claim.Scope);
        return FinishAsync(token => _store.CompleteAsync(claim, answer.Status, stored, token));
    }

    /// <summary>The attempt failed and may have done its work all the same: a repeat goes on with the same ids.</summary>
    public Task ReleaseAsync(IdempotentWork work) => FinishAsync(token => _store.ReleaseAsync(work.Claim!, token));

    /// <summary>The attempt failed, and what it made is over: a repeat works with ids of its own.</summary>
    public Task RenewAsync(IdempotentWork work)
    {
        var workId = Uuid7.New(_time);
        return FinishAsync(token => _store.ReleaseAsync(work.Claim!, workId, token));
    }

    /// <summary>Nobody knows how the attempt ended, and it may not be made twice: repeats are told so from now on.</summary>
    public Task AbandonAsync(IdempotentWork work) => FinishAsync(token => _store.RenewAsync(work.Claim!, TimeSpan.Zero, token));

    /// <summary>The attempt did nothing: the key is free.</summary>
    public Task ForgetAsync(IdempotentWork work) => FinishAsync(token => _store.ForgetAsync(work.Claim!, token));

    // The store may be gone just now. The caller gets its answer all the same; what was not saved in the lease's time, a repeat finds out.
    private async Task FinishAsync(Func<CancellationToken, Task> statement)
    {
        if (!await TryAsync(statement))
        {
            LogStoreGone(_options.Lease);
            _ = FinishLaterAsync(statement);
        }
    }

    private async Task FinishLaterAsync(Func<CancellationToken, Task> statement)
    {
        var until = _time.GetUtcNow() + _options.Lease;
        do
        {
            await Task.Delay(s_finishPause, _time);
        }
        while (!await TryAsync(statement) && _time.GetUtcNow() < until);
    }

    private async Task<bool> TryAsync(Func<CancellationToken, Task> statement)
    {
        using var limit = new CancellationTokenSource(s_finishMax, _time);
        try
        {
            await statement(limit.Token);
            return true;
        }
        catch (Exception exception) when (limit.IsCancellationRequested || StoreErrors.IsUnavailable(exception))
        {
            return false;
        }
        catch (Exception exception)
        {
            // The work is done, and its caller must be told so.
            LogNotFinished(exception);
            return true;
        }
    }

    private Entered Begin(Claim claim, string outcome)
    {
        _telemetry.Entered(outcome);
        return new(new(claim, _cipher), null);
    }

    private Failure Refuse(Failure failure)
    {
        _telemetry.Entered(failure.Code["idempotency.".Length..]);
        return failure;
    }

    private StoredAnswer? Read(UsedKey used, string caller, byte[] scope) => _cipher.OpenAnswer(used.AnswerStatus!.Value, used.Answer!, caller, scope);

    [LoggerMessage(1201, LogLevel.Warning, "The end of a keyed request is not stored: Postgres is not available; trying for {Lease}")]
    private partial void LogStoreGone(TimeSpan lease);

    [LoggerMessage(1202, LogLevel.Error, "The end of a keyed request cannot be stored: a repeat will find out what it did")]
    private partial void LogNotFinished(Exception exception);
}
