using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using SaasLlm.ApiService.Platform;
using SaasLlm.Core.Data;
using SaasLlm.Core.Teams;
using SaasLlm.ServiceDefaults;

namespace SaasLlm.Tests.Platform;

/// <summary>The product's own endpoints, as Program.cs composes them, with no store behind them and nothing running but HTTP.</summary>
public sealed class ProductApp : IAsyncLifetime
{
    private readonly WebApplication _app;
    private Task<string>? _document;

    public ProductApp()
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = "Production" });
        builder.Configuration.AddInMemoryCollection([
            new("Access:AdminKey", PlatformApp.AdminKey),
            new("Encryption:Key", Convert.ToBase64String(new byte[32])),
            new("Gateway:BaseUrl", "http://127.0.0.1:1"),
            new("Gateway:MasterKey", "sk-nobody"),
            new("ConnectionStrings:saasllm", "Host=127.0.0.1;Port=1;Username=nobody;Database=none"),
            new("ConnectionStrings:redis", "127.0.0.1:1,connectTimeout=100,abortConnect=false"),
        ]);
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        builder.AddServiceDefaults("saas-llm-api");
        builder.AddCoreData();
        builder.AddApiPlatform();
        builder.AddFeatures();
        builder.Services.Replace(ServiceDescriptor.Singleton<ITeamKeyAuthenticator>(new PlatformApp.KnownTeamKeys()));
        foreach (var own in builder.Services.Where(IsOursToRun).ToArray())
        {
            builder.Services.Remove(own);
        }

        _app = builder.Build();
        _app.UseApiPlatform();
        _app.MapDefaultEndpoints();
    }

    internal HttpClient Client { get; } = new();

    internal IEnumerable<RouteEndpoint> Routes
        => _app.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>();

    /// <summary>The OpenAPI document, made once.</summary>
    internal async Task<JsonElement> DocumentAsync() => JsonElement.Parse(await (_document ??= Client.GetStringAsync("/openapi/v1.json")));

    public async ValueTask InitializeAsync()
    {
        await _app.StartAsync();
        Client.BaseAddress = new(_app.Urls.Single());
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.DisposeAsync();
    }

    // The web server is a hosted service too, and stays.
    private static bool IsOursToRun(ServiceDescriptor service)
        => service.ServiceType == typeof(IHostedService)
           && service.ImplementationType?.Assembly.GetName().Name?.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal) != true;
}
