using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Embedded;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting;

/// <summary>The app model, run as local processes.</summary>
public class DistributedApplication : IHost, IAsyncDisposable
{
    private readonly IHost _host;
    private readonly Interception? _interception;

    internal DistributedApplication(IHost host, Interception? interception)
    {
        (_host, _interception) = (host, interception);
        ResourceNotifications = host.Services.GetRequiredService<ResourceNotificationService>();
    }

    public IServiceProvider Services => _host.Services;

    public ResourceNotificationService ResourceNotifications { get; }

    public static IDistributedApplicationBuilder CreateBuilder() => CreateBuilder([]);

    public static IDistributedApplicationBuilder CreateBuilder(string[] args)
        => new DistributedApplicationBuilder(args, Interception.Current);

    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        await _host.StartAsync(cancellationToken);
        await Services.GetRequiredService<Orchestrator>().StartAsync(cancellationToken);
    }

    public async Task StopAsync(CancellationToken cancellationToken = default)
    {
        await Services.GetRequiredService<Orchestrator>().StopAsync();
        await _host.StopAsync(cancellationToken);
    }

    public void Run() => RunAsync().GetAwaiter().GetResult();

    public async Task RunAsync(CancellationToken cancellationToken = default)
    {
        if (_interception is not null)
        {
            // Under a test the test starts and stops it; the entry point only has to stay.
            await _interception.Disposed.WaitAsync(cancellationToken);
            return;
        }

        try
        {
            await StartAsync(cancellationToken);
            await _host.WaitForShutdownAsync(cancellationToken);
        }
        catch (DistributedApplicationException exception)
        {
            Services.GetRequiredService<EmbeddedConsole>().Failure(exception.Message);
            System.Environment.ExitCode = 1;
        }
        finally
        {
            await DisposeAsync();
        }
    }

    public void Dispose()
    {
        DisposeAsync().AsTask().GetAwaiter().GetResult();
        GC.SuppressFinalize(this);
    }

    public async ValueTask DisposeAsync()
    {
        await Services.GetRequiredService<Orchestrator>().StopAsync();
        if (_host is IAsyncDisposable disposable)
        {
            await disposable.DisposeAsync();
        }

        _interception?.End();
        GC.SuppressFinalize(this);
    }
}
