using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace SaasLlm.Benchmarks.Crash.Runners;

/// <summary>A delivery as it came.</summary>
/// <param name="Path">Tells the endpoint.</param>
internal sealed record Arrival(string Path, string Id, string Timestamp, string Body, string Signature, bool WasAccepted)
{
    /// <summary>By the Standard Webhooks specification, written anew here: the product's own would agree with itself.</summary>
    public bool IsSignedBy(string secret)
    {
        var key = Convert.FromBase64String(secret["whsec_".Length..]);
        var signed = Encoding.UTF8.GetBytes($"{Id}.{Timestamp}.{Body}");
        return Signature.Split(' ').Contains("v1," + Convert.ToBase64String(HMACSHA256.HashData(key, signed)));
    }
}

/// <summary>The SaaS app's server: remembers what comes, takes its time, and now and then is out of order for a message's first try.</summary>
internal sealed class WebhookReceiver : IAsyncDisposable
{
    private const int DelayMaxMs = 40;
    private const int RefusedEvery = 60;

    private readonly WebApplication _app;
    private readonly ConcurrentQueue<Arrival> _arrivals = [];
    private readonly ConcurrentDictionary<string, bool> _refused = [];

    private WebhookReceiver(WebApplication app) => _app = app;

    public Uri Address { get; private set; } = null!;

    public IReadOnlyCollection<Arrival> Arrivals => _arrivals;

    public static async Task<WebhookReceiver> StartAsync(CancellationToken cancellation)
    {
        var app = LoopbackServer.Create();
        var receiver = new WebhookReceiver(app);
        app.Run(receiver.HearAsync);
        await app.StartAsync(cancellation);
        receiver.Address = LoopbackServer.AddressOf(app);
        return receiver;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task HearAsync(HttpContext http)
    {
        using var reader = new StreamReader(http.Request.Body, Encoding.UTF8);
        var body = await reader.ReadToEndAsync();
        var (path, id) = (http.Request.Path.ToString(), http.Request.Headers["webhook-id"].ToString());
        var isAccepted = !IsOfThoseRefused(id) || !_refused.TryAdd(path + id, true);
        _arrivals.Enqueue(new(
            path, id, http.Request.Headers["webhook-timestamp"].ToString(), body, http.Request.Headers["webhook-signature"].ToString(), isAccepted));
        await Task.Delay(Random.Shared.Next(DelayMaxMs));
        http.Response.StatusCode = isAccepted ? StatusCodes.Status204NoContent : StatusCodes.Status503ServiceUnavailable;
    }

    private static bool IsOfThoseRefused(string id)
        => int.TryParse(id.AsSpan(Math.Max(0, id.Length - 4)), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var end) && end % RefusedEvery == 0;
}
