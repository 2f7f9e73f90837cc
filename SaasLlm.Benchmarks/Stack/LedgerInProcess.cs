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

    /// <summary>Opens a job and completes it: each is durable when it is answered.</summary>
    public async ValueTask<bool> PairAsync(string teamId)
    {
        var job = JobId.New(TimeProvider.System);
        var opened = await _ledger.OpenJobAsync(new(job, teamId, "bench", null, null, "{}", TimeSpan.FromHours(1), MaxCalls: 100), CancellationToken.None);
        return opened.Failure is null
            && (await _ledger.CloseJobAsync(new(teamId, job, JobStatus.Completed, null, null), CancellationToken.None)).Failure is null;
    }

    /// <summary>A load that spreads its callers over the teams.</summary>
    public Operation PairsOf(IReadOnlyList<TeamSet.Team> teams)
    {
        var turn = 0;
        return _ => PairAsync(teams[(Interlocked.Increment(ref turn) & int.MaxValue) % teams.Count].Id);
    }

    public void Dispose() => _host.Dispose();
}
