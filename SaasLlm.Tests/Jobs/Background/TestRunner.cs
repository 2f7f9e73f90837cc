using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using SaasLlm.Core.Changes;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Data;
using SaasLlm.Core.Jobs;
using SaasLlm.Core.Jobs.Background;
using SaasLlm.Core.Llm;
using SaasLlm.Core.ModelGroups;
using SaasLlm.Core.Pricing;
using SaasLlm.Core.Teams;

namespace SaasLlm.Tests.Jobs.Background;

/// <summary>One JobRunner's background jobs, inside the test's process.</summary>
internal sealed class TestRunner : IAsyncDisposable
{
    private readonly IHost _host;
    private bool _isStarted;

    private TestRunner(IHost host, bool isStarted) => (_host, _isStarted) = (host, isStarted);

    public StepLoop Loop => _host.Services.GetRequiredService<StepLoop>();

    public StepStore Steps => _host.Services.GetRequiredService<StepStore>();

    public T Get<T>()
        where T : notnull
        => _host.Services.GetRequiredService<T>();

    public static async Task<TestRunner> StartAsync(Dictionary<string, string?> settings, Action<IServiceCollection> configure, bool isStarted)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Configuration.AddInMemoryCollection(settings);
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.AddCoreData();
        builder.Services.AddChanges().AddModelGroups().AddLedger().AddGateway().AddTeams().AddJobs().AddPriceBook().AddLlmCalls()
            .AddBackgroundJobs().AddBackgroundRunner();
        configure(builder.Services);
        var host = builder.Build();
        if (isStarted)
        {
            await host.StartAsync();
        }

        return new(host, isStarted);
    }

    /// <summary>Runs what is ready, once: claims, calls, saves.</summary>
    public async Task<int> RunReadyAsync()
    {
        var claimed = await Loop.ClaimAsync(CancellationToken.None);
        await Loop.DrainAsync();
        return claimed;
    }

    /// <summary>Stops it as a deployment does.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_isStarted)
        {
            _isStarted = false;
            await _host.StopAsync();
        }

        if (_host is IAsyncDisposable host)
        {
            await host.DisposeAsync();
        }
    }
}
