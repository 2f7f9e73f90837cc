using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using SaasLlm.Benchmarks.Driver;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Data;
using SaasLlm.Core.Jobs;

namespace SaasLlm.Benchmarks.Stack;

/// <summary>The ledger as an API process has it, in this process, on the stores of the run.</summary>
internal sealed class LedgerInProcess : IDisposable
{
    private readonly IHost _host;
    private readonly ILedger _ledger;

    /// <param name="settings">Each as <c>Section:Name=value</c>.</param>
    public LedgerInProcess(BenchmarkStack stack, params string[] settings)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["ConnectionStrings:saasllm"] = stack.Postgres,
            ["ConnectionStrings:redis"] = stack.Redis,
        });
        builder.Configuration.AddInMemoryCollection(settings.Select(setting => setting.Split('=', 2)).Select(pair => KeyValuePair.Create(pair[0], (string?)pair[1])));
        builder.AddCoreData();
        builder.Services.AddLedger();
        _host = builder.Build();
        _ledger = _host.Services.GetRequiredService<ILedger>();
    }

    public async Task GrantAsync(string teamId, decimal credits)
    {
        var granted = await _ledger.AddCreditsAsync(
            new(TransactionId.New(TimeProvider.System), teamId, credits, "benchmark", new(LotSource.Allocation)), CancellationToken.None);
        if (granted.Failure is { } failure)
        {
            throw new InvalidOperationException($"No credits for {teamId}: {failure.Message}");
        }
    }

    /// <summary>Opens a job and completes it: each is durable when it is answered.</summary>
    public ValueTask<bool> PairAsync(string teamId) => PairAsync(teamId, JobStatus.Completed);

    /// <summary>Opens a job and fails it, which gives its credit back.</summary>
    public ValueTask<bool> ReleasedPairAsync(string teamId) => PairAsync(teamId, JobStatus.Failed);

    private async ValueTask<bool> PairAsync(string teamId, string end)
    {
        var job = JobId.New(TimeProvider.System);
        var opened = await _ledger.OpenJobAsync(new(job, teamId, "bench", null, null, "{}", TimeSpan.FromHours(1), MaxCalls: 100), CancellationToken.None);
        return Succeeded(opened.Failure) && Succeeded((await _ledger.CloseJobAsync(new(teamId, job, end, null, null), CancellationToken.None)).Failure);
    }

    private static bool Succeeded(Failure? failure)
    {
        if (failure is not null)
        {
            Attempt.Note(new InvalidOperationException($"{failure.Code}: {failure.Message}"));
        }

        return failure is null;
    }

    /// <summary>A load that spreads its callers over the teams.</summary>
    public Operation PairsOf(IReadOnlyList<string> teams)
    {
        var turn = 0;
        return _ => PairAsync(teams[(Interlocked.Increment(ref turn) & int.MaxValue) % teams.Count]);
    }

    public void Dispose() => _host.Dispose();
}
