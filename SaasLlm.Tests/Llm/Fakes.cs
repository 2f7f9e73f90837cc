using System.Collections.Concurrent;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Llm;
using SaasLlm.Core.Llm.Bodies;
using SaasLlm.Core.ModelGroups;
using SaasLlm.Core.Pricing;

namespace SaasLlm.Tests.Llm;

/// <summary>Remembers what the call loop told the ledger, in order.</summary>
internal sealed class FakeLedger : ILedger
{
    public ConcurrentQueue<object> Commands { get; } = new();

    /// <summary>How its attempts ended, in order.</summary>
    public IEnumerable<string> Outcomes
        => Commands.Select(command => command switch
        {
            NextAttempt next => next.Ended.Outcome,
            EndCall end => end.Ended?.Outcome,
            _ => null,
        }).OfType<string>();

    public TimeSpan JobTimeLeft { get; set; } = TimeSpan.FromHours(1);

    /// <summary>How long each command takes.</summary>
    public TimeSpan Pause { get; set; }

    public Func<object, Failure?> Refuse { get; set; } = _ => null;

    public IEnumerable<T> Of<T>() => Commands.OfType<T>();

    public Task<Result<StartedCall>> StartCallAsync(StartCall command, CancellationToken cancellation) => Take(command, new StartedCall(20, JobTimeLeft));

    public Task<Result<Accepted>> NextAttemptAsync(NextAttempt command, CancellationToken cancellation) => Take(command, default(Accepted));

    public Task<Result<Accepted>> EndCallAsync(EndCall command, CancellationToken cancellation) => Take(command, default(Accepted));

    public Task<Result<OpenedJob>> OpenJobAsync(OpenJob command, CancellationToken cancellation) => throw new NotSupportedException();

    public Task<Result<ClosedJob>> CloseJobAsync(CloseJob command, CancellationToken cancellation) => throw new NotSupportedException();

    public Task<Result<StartedCall>> OpenJobWithCallAsync(OpenJob job, StartCall call, CancellationToken cancellation)
        => Take((job, call), new StartedCall(20, JobTimeLeft));

    public Task<Result<ClosedJob>> EndCallAndJobAsync(EndCall call, CancellationToken cancellation) => Take(call, new ClosedJob(
        call.JobId, call.ErrorCode is null ? "completed" : "failed", DateTimeOffset.UnixEpoch, 1, call.ErrorCode is null ? 1 : 0, call.ErrorCode is null ? 0 : 1,
        call.Usage.Total, call.ClientCostUsd ?? 0, call.LatencyMs, call.ErrorCode is null, call.ErrorCode is null ? null : "failed", 1, 0, 9));

    public Task<Result<PostedTransaction>> RefundJobAsync(RefundJob command, CancellationToken cancellation) => throw new NotSupportedException();

    public Task<Result<PostedTransaction>> AdjustCreditsAsync(AdjustCredits command, CancellationToken cancellation) => throw new NotSupportedException();

    public Task<Result<decimal>> ExpireLotsAsync(string teamId, CancellationToken cancellation) => throw new NotSupportedException();

    public Task<Result<Accepted>> ConfigureAccountAsync(ConfigureAccount command, CancellationToken cancellation) => throw new NotSupportedException();

    public Task<Result<Refilled>> RefillAsync(RefillCredits command, CancellationToken cancellation) => throw new NotSupportedException();

    public Task<Result<PostedTransaction>> AddCreditsAsync(AddCredits command, CancellationToken cancellation) => throw new NotSupportedException();

    private async Task<Result<T>> Take<T>(object command, T answer)
    {
        Commands.Enqueue(command);
        if (Pause > TimeSpan.Zero)
        {
            await Task.Delay(Pause);
        }

        return Refuse(command) is { } failure ? failure : answer;
    }
}

/// <summary>One group, granted to everybody.</summary>
internal sealed class FakeGroups(params string[] models) : IModelGroupResolver
{
    public string SettingsJson { get; set; } = "{}";

    public string Kind { get; set; } = "chat";

    public Dictionary<int, string> GatewaysByPlace { get; } = [];

    /// <summary>By model.</summary>
    public Dictionary<string, string> Gateways { get; } = [];

    public ValueTask<Result<ResolvedModelGroup>> ResolveAsync(string teamId, string groupName, CancellationToken cancellation)
        => new(new ResolvedModelGroup(groupName, Kind, [.. models.Select((model, place) => new ResolvedModel(model, GatewaysByPlace.GetValueOrDefault(place) ?? Gateways.GetValueOrDefault(model)))], GroupSettings.Read(SettingsJson)));

    public ValueTask<IReadOnlyList<ResolvedModelGroup>> ListAsync(string teamId, CancellationToken cancellation) => throw new NotSupportedException();
}

internal sealed class FakeKeys : ITeamGatewayKeys
{
    public string Key { get; set; } = "sk-team-1";

    public int Replaced { get; private set; }

    public bool CanReplace { get; set; } = true;

    public Failure? Pending { get; set; }

    public Task<bool> ProvisionAsync(string teamId, CancellationToken cancellation) => Task.FromResult(true);

    public ValueTask<Result<string>> GetAsync(string teamId, CancellationToken cancellation) => new(Pending ?? (Result<string>)Key);

    public Task<bool> ReplaceAsync(string teamId, string refusedKey, CancellationToken cancellation)
    {
        Replaced++;
        Key = $"sk-team-{Replaced + 1}";
        return Task.FromResult(CanReplace);
    }
}

internal sealed class FakeRecorder : ICallRecorder
{
    /// <summary>Null: nothing is kept.</summary>
    public CallBodyQueue? To { get; set; }

    public int BytesMax { get; set; } = 1024 * 1024;

    public ValueTask<CallRecording?> BeginAsync(LlmCall call, CallId callId, string modelGroup, CancellationToken cancellation)
        => new(To is null ? null : new CallRecording(call, callId, modelGroup, 1, BytesMax, To));
}

/// <summary>A book that a test writes.</summary>
internal sealed class FakePrices : IPriceBook
{
    public Dictionary<(string Model, long Version), ModelPrice> ByVersion { get; } = [];

    public long Newest { get; set; }

    public bool IsKnown { get; set; } = true;

    /// <summary>With the gateway's list taken in.</summary>
    public long? NewestOfGateway { get; set; }

    public ValueTask<long> NewestAsync(CancellationToken cancellation) => new(Newest);

    public ValueTask<long> NewestAsync(IReadOnlyCollection<string> models, CancellationToken cancellation) => new(NewestOfGateway ?? Newest);

    public ValueTask<ModelPrice?> FindAsync(string model, long version, CancellationToken cancellation)
        => new(ByVersion.GetValueOrDefault((model, version)));
}
