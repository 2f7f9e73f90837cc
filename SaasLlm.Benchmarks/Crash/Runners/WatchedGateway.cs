using System.Collections.Concurrent;
using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace SaasLlm.Benchmarks.Crash.Runners;

/// <summary>A call of a step that reached the gateway.</summary>
/// <param name="Step">What its prompt begins with, in brackets: the step's name, in a batch its input.</param>
internal sealed record SentStep(Guid JobId, string Step, string Model, DateTimeOffset At);

/// <summary>
/// Stands before the gateway and remembers every call that reached it, all of them; it takes its time, and now and then cuts off an answer
/// that has been made, and paid for.
/// </summary>
internal sealed class WatchedGateway : IAsyncDisposable
{
    private const int DelayMaxMs = 80;
    private const int CutEvery = 25;

    private static readonly string[] s_ofConnection = ["Connection", "Transfer-Encoding", "Host", "Content-Length"];

    private readonly HttpClient _gateway;
    private readonly WebApplication _app;
    private readonly int _seed;
    private readonly ConcurrentDictionary<int, bool> _cut = [];
    private readonly ConcurrentQueue<SentStep> _sent = [];

    private WatchedGateway(WebApplication app, Uri gateway, int seed)
    {
        (_app, _seed) = (app, seed);
        _gateway = new(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = gateway };
    }

    public Uri Address { get; private set; } = null!;

    public IReadOnlyCollection<SentStep> Sent => _sent;

    /// <param name="seed">Decides whose first answer is cut off.</param>
    public static async Task<WatchedGateway> StartAsync(Uri gateway, int seed, CancellationToken cancellation)
    {
        var app = LoopbackServer.Create();
        var watched = new WatchedGateway(app, gateway, seed);
        app.Run(watched.PassAsync);
        await app.StartAsync(cancellation);
        watched.Address = LoopbackServer.AddressOf(app);
        return watched;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _gateway.Dispose();
    }

    private async Task PassAsync(HttpContext http)
    {
        using var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body);
        var step = StepOf(body.ToArray());
        if (step is not null)
        {
            _sent.Enqueue(step);
            await Task.Delay(Random.Shared.Next(DelayMaxMs));
        }

        using var request = new HttpRequestMessage(new(http.Request.Method), http.Request.Path + http.Request.QueryString);
        if (body.Length > 0)
        {
            request.Content = new ByteArrayContent(body.ToArray());
        }

        foreach (var (name, value) in http.Request.Headers.Where(header => !s_ofConnection.Contains(header.Key, StringComparer.OrdinalIgnoreCase)))
        {
            if (!request.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)value))
            {
                request.Content?.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)value);
            }
        }

        // A caller that dies does not stop what it asked for.
        using var answer = await _gateway.SendAsync(request);
        var bytes = await answer.Content.ReadAsByteArrayAsync();
        if (step is not null && IsCut(step))
        {
            http.Abort();
            return;
        }

        http.Response.StatusCode = (int)answer.StatusCode;
        foreach (var (name, value) in answer.Headers.Concat(answer.Content.Headers).Where(header => !s_ofConnection.Contains(header.Key, StringComparer.OrdinalIgnoreCase)))
        {
            http.Response.Headers.Append(name, value.ToArray());
        }

        await http.Response.Body.WriteAsync(bytes);
    }

    // Only the first of a step: its repeat is to succeed.
    private bool IsCut(SentStep step)
    {
        var chance = HashOf($"{_seed}{step.Step}{step.JobId}");
        return chance % CutEvery == 0 && _cut.TryAdd(chance, true);
    }

    private static int HashOf(string text) => text.Aggregate(17, (hash, letter) => unchecked((hash * 31) + letter) & int.MaxValue);

    private static SentStep? StepOf(byte[] body)
    {
        if (body.Length == 0 || JsonNode.Parse(body) is not JsonObject call || call["metadata"]?["job_id"] is not { } job
            || call["messages"] is not JsonArray { Count: > 0 } messages)
        {
            return null;
        }

        var prompt = messages[^1]!["content"]!.ToString();
        return new(
            job.GetValue<Guid>(), prompt[1..prompt.IndexOf(']', StringComparison.Ordinal)], call["model"]!.ToString(), TimeProvider.System.GetUtcNow());
    }
}
