using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using SaasLlm.ApiService.Platform;
using SaasLlm.Core.Data;
using SaasLlm.ServiceDefaults;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.Access;

/// <summary>One API process' worth of application, inside the test's process, composed as Program.cs does.</summary>
internal sealed class Replica : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly List<ApiClient> _clients = [];

    private Replica(WebApplication app)
    {
        _app = app;
        Address = new(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
        Operator = As(AppFixture.AdminKey);
    }

    public Uri Address { get; }

    /// <summary>Calls as the operator.</summary>
    public ApiClient Operator { get; }

    public IServiceProvider Services => _app.Services;

    /// <param name="configure">Replaces services.</param>
    public static async Task<Replica> StartAsync(
        IReadOnlyDictionary<string, string?> settings, Action<IServiceCollection>? configure = null)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { ApplicationName = "SaasLlm.ApiService" });
        builder.Configuration.AddInMemoryCollection(settings);
        builder.Configuration["Access:AdminKey"] = AppFixture.AdminKey;
        builder.Configuration["urls"] = "http://127.0.0.1:0";
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.AddServiceDefaults("saas-llm-api");
        builder.AddCoreData();
        builder.AddApiPlatform();
        builder.AddFeatures();
        configure?.Invoke(builder.Services);

        var app = builder.Build();
        app.UseApiPlatform();
        app.MapDefaultEndpoints();
        await app.StartAsync();
        return new(app);
    }

    /// <summary>Calls with a key; null is nobody's.</summary>
    public ApiClient As(string? key)
    {
        var client = new ApiClient(Address, key);
        lock (_clients)
        {
            _clients.Add(client);
        }

        return client;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients)
        {
            client.Dispose();
        }

        await _app.DisposeAsync();
    }
}
