using System.Net.Http.Headers;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using SaasLlm.LiteLlmSimulator;

namespace SaasLlm.Tests.LiteLlmSimulator;

/// <summary>A simulator in this process, on a free port of the loopback address.</summary>
internal sealed class SimulatorHost : IAsyncDisposable
{
    public const string MasterKey = "sk-master-of-the-simulator";

    private readonly WebApplication _app;

    private SimulatorHost(WebApplication app, ShiftedTime time)
    {
        _app = app;
        Time = time;
        var address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        Client = new(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = new(address), Timeout = TimeSpan.FromMinutes(2) };
    }

    public HttpClient Client { get; }

    public ShiftedTime Time { get; }

    public static async Task<SimulatorHost> StartAsync(params string[] args)
    {
        var time = new ShiftedTime();
        string[] ours = ["--urls", "http://127.0.0.1:0", "--Logging:LogLevel:Default", "None", "--MasterKey", MasterKey];
        var app = Simulator.Build([.. ours, .. args], time);
        await app.StartAsync();
        return new(app, time);
    }

    public Task<HttpResponseMessage> PostAsync(string path, string json, string? key = MasterKey, CancellationToken cancellation = default) =>
        SendAsync(HttpMethod.Post, path, json, key, cancellation);

    public Task<HttpResponseMessage> GetAsync(string path, string? key = MasterKey) => SendAsync(HttpMethod.Get, path, null, key);

    public async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, string? json = null, string? key = MasterKey, CancellationToken cancellation = default)
    {
        using var request = new HttpRequestMessage(method, path);
        if (key is not null)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        }

        if (json is not null)
        {
            request.Content = new StringContent(json, Encoding.UTF8, "application/json");
        }

        return await Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
    }

    public Task<HttpResponseMessage> ChatAsync(string model, bool stream = false, string? key = MasterKey, string more = "", CancellationToken cancellation = default) =>
        PostAsync(
            "/v1/chat/completions",
            $$"""{"model":"{{model}}","stream":{{(stream ? "true" : "false")}},"messages":[{"role":"user","content":"Say hello."}]{{more}}}""",
            key,
            cancellation);

    public async Task SetModeAsync(string json) => (await PostAsync("/simulator/mode", json)).EnsureSuccessStatusCode();

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.StopAsync(new CancellationToken(canceled: true));
        await _app.DisposeAsync();
    }
}

/// <summary>The machine's clock, moved forward by the test; timers run as usual.</summary>
internal sealed class ShiftedTime : TimeProvider
{
    public TimeSpan Shift { get; set; }

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Shift;
}
