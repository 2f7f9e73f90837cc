using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using SaasLlm.ApiService.Platform;
using SaasLlm.Core.Teams;

namespace SaasLlm.Tests.Platform;

/// <summary>
/// The API's platform on a loopback port, with the endpoints of this assembly in place of the product's: needs no store.
/// One application for all of these tests, since FastEndpoints keeps its settings once a process.
/// </summary>
public sealed class PlatformApp : IAsyncLifetime
{
    public const string AdminKey = "test-admin-key-0123456789";

    private readonly WebApplication _app;

    public PlatformApp()
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = "Production" });
        builder.Configuration.AddInMemoryCollection([new("Access:AdminKey", AdminKey)]);
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders().AddProvider(Logs);
        builder.Services.AddSingleton<ITeamKeyAuthenticator>(new KnownTeamKeys());
        builder.Services.AddSingleton<FastEndpoints.Probes.ProbeCounter>();
        builder.AddApiPlatform(typeof(PlatformApp).Assembly);
        _app = builder.Build();
        _app.UseApiPlatform();
    }

    internal LogCapture Logs { get; } = new();

    internal HttpClient Client { get; } = new(new SocketsHttpHandler { Expect100ContinueTimeout = TimeSpan.FromMinutes(1) });

    internal IServiceProvider Services => _app.Services;

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

    /// <summary>Sends a request; headers are <c>name: value</c>.</summary>
    internal async Task<Answer> SendAsync(HttpMethod method, string path, HttpContent? body = null, params string[] headers)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body };
        foreach (var header in headers)
        {
            var colon = header.IndexOf(':', StringComparison.Ordinal);
            request.Headers.TryAddWithoutValidation(header[..colon], header[(colon + 1)..].Trim());
        }

        using var response = await Client.SendAsync(request);
        return await Answer.OfAsync(response);
    }

    internal Task<Answer> GetAsync(string path, params string[] headers) => SendAsync(HttpMethod.Get, path, null, headers);

    internal Task<Answer> PostAsync(string path, string json, params string[] headers)
        => SendAsync(HttpMethod.Post, path, Json(json), headers);

    internal Task<Answer> PutAsync(string path, string json) => SendAsync(HttpMethod.Put, path, Json(json));

    internal static StringContent Json(string json) => new(json, System.Text.Encoding.UTF8, "application/json");

    internal sealed class KnownTeamKeys : ITeamKeyAuthenticator
    {
        public ValueTask<TeamCaller?> FindAsync(string key, CancellationToken cancellation) => key switch
        {
            "sk-store-gone" => throw new Npgsql.NpgsqlException("refused", new System.Net.Sockets.SocketException(111)),
            "sk-team-a" => new(new TeamCaller("team_a", "org_a", Guid.Empty, IsSuspended: false)),
            _ => default,
        };
    }
}

[CollectionDefinition(Name)]
public sealed class PlatformCollection : ICollectionFixture<PlatformApp>
{
    public const string Name = "Platform";
}
