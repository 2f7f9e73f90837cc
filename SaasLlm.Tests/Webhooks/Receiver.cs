using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace SaasLlm.Tests.Webhooks;

/// <summary>Somebody's server, on this machine; how it answers is the test's affair.</summary>
internal sealed class Receiver : IAsyncDisposable
{
    private readonly WebApplication _app;

    private Receiver(WebApplication app, ConcurrentQueue<string> namesAsked) => (_app, NamesAsked) = (app, namesAsked);

    public ConcurrentQueue<Received> Heard { get; } = [];

    /// <summary>By the path that is asked for; elsewhere 200 without a body.</summary>
    public ConcurrentDictionary<string, RequestDelegate> Answers { get; } = [];

    public string Url { get; private set; } = "";

    public int Port => new Uri(Url).Port;

    /// <summary>The names that clients wanted a certificate of; empty where one named none.</summary>
    public ConcurrentQueue<string> NamesAsked { get; }

    /// <param name="certificate">For <c>https:</c>; null: <c>http:</c>.</param>
    public static async Task<Receiver> StartAsync(X509Certificate2? certificate = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        ConcurrentQueue<string> names = [];
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            if (certificate is not null)
            {
                listen.UseHttps(https => https.ServerCertificateSelector = (_, name) =>
                {
                    names.Enqueue(name ?? "");
                    return certificate;
                });
            }
        }));
        var app = builder.Build();
        var receiver = new Receiver(app, names);
        app.Run(receiver.HearAsync);
        await app.StartAsync();
        receiver.Url = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        return receiver;
    }

    /// <summary>What came to a path.</summary>
    public Received[] At(string path) => [.. Heard.Where(received => received.Path == path)];

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task HearAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body, Encoding.UTF8);
        var body = await reader.ReadToEndAsync();
        Heard.Enqueue(new(
            context.Request.Method, context.Request.Path, body,
            context.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase)));
        if (Answers.TryGetValue(context.Request.Path, out var answer))
        {
            await answer(context);
        }
    }
}

/// <summary>A request that came.</summary>
internal sealed record Received(string Method, string Path, string Body, IReadOnlyDictionary<string, string> Headers)
{
    public Guid Id => Guid.Parse(Headers["webhook-id"]);

    public string Type => (string)JsonNode.Parse(Body)!["type"]!;

    /// <summary>A member of its data.</summary>
    public string? Data(string name) => (string?)JsonNode.Parse(Body)!["data"]![name];

    /// <summary>The signatures that its secret makes of it.</summary>
    public string SignatureBy(string secret)
        => Core.Webhooks.WebhookSignature.Of(
            Id, long.Parse(Headers["webhook-timestamp"], System.Globalization.CultureInfo.InvariantCulture), Body,
            Convert.FromBase64String(secret["whsec_".Length..]));
}
