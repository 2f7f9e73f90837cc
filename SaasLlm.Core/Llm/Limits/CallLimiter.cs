using SaasLlm.Core.Common;
using SaasLlm.Core.Credits.Redis;
using SaasLlm.Core.Teams;

namespace SaasLlm.Core.Llm.Limits;

/// <summary>
/// Holds calls against the limits of their team and key. Limits fail open: without Redis a call goes through, and is counted as unchecked.
/// (Money never does: Postgres decides about it.)
/// </summary>
internal sealed class CallLimiter(
    LimitWindows windows, TeamLimits teams, LimitTelemetry telemetry, TimeProvider time) : ICallLimiter
{
    // A call is ended a moment after its deadline, not at it.
    private static readonly TimeSpan s_leaseMargin = TimeSpan.FromSeconds(5);

    public async Task<Result<CallAdmission?>> AdmitAsync(LlmCall call, CallId callId, CallSize size, TimeSpan deadline, CancellationToken cancellation)
    {
        var levels = await LevelsAsync(call, cancellation);
        if (levels.Count == 0)
        {
            return (CallAdmission?)null;
        }

        // Not the caller's cancellation: who leaves here would leave a place taken.
        var reply = await windows.AdmitAsync(call.TeamId, levels, callId, size.Tokens, deadline + s_leaseMargin, call.NewJob);
        if (reply is null)
        {
            telemetry.Unchecked();
            // Who did not answer this does not answer for the price either.
            return new CallAdmission(windows, call.TeamId, levels, callId, null, size.Tokens, ReserveReply.Of(ReserveStatus.NoAnswer));
        }

        call.Measured?.Invoke(Status(reply.Levels));
        if (reply.IsAdmitted)
        {
            return new CallAdmission(windows, call.TeamId, levels, callId, reply.Slot, size.Tokens, reply.Reserved);
        }

        var refusal = LimitRefusal.Of(reply.Levels, size, time.GetUtcNow());
        telemetry.Refused((string)refusal.Details!["limit"]!, (string)refusal.Details["level"]!);
        return refusal;
    }

    private async ValueTask<IReadOnlyList<LimitLevel>> LevelsAsync(LlmCall call, CancellationToken cancellation)
    {
        var team = call.Caller?.TeamLimits ?? await teams.OfAsync(call.TeamId, cancellation);
        var key = call.Caller?.KeyLimits ?? default;
        return (team.IsNone, key.IsNone) switch
        {
            (true, true) => [],
            (false, true) => [Team()],
            (true, false) => [Key()],
            _ => [Team(), Key()],
        };

        LimitLevel Team() => new("team", call.TeamId, team);

        LimitLevel Key() => new("key", call.Caller!.KeyId.ToString(), key);
    }

    private static RateStatus Status(IReadOnlyList<LevelState> levels) => new(
        Tightest(levels.Select(state => Room(state.Level.Limits.RequestsPerMinute, state.Requests, state.EmptyIn))),
        Tightest(levels.Select(state => Room(state.Level.Limits.TokensPerMinute, state.Tokens, state.EmptyIn))));

    private static RateRoom? Room(long? limit, long used, TimeSpan emptyIn)
        => limit is { } known ? new(known, Math.Max(0, known - used), used == 0 ? TimeSpan.Zero : emptyIn) : null;

    private static RateRoom? Tightest(IEnumerable<RateRoom?> rooms) => rooms.OfType<RateRoom>().MinBy(room => room.Remaining);
}
