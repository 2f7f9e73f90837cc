using System.Collections.Concurrent;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace SaasLlm.Tests.Llm;

/// <summary>A server on loopback that answers whatever the test says, and remembers what it was asked.</summary>
internal sealed class StubGateway : IAsyncDisposable
{
    private readonly WebApplication _app;

    private StubGateway(WebApplication app)
    {
        _app = app;
        BaseUrl = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
    }

    public string BaseUrl { get; }

    public ConcurrentQueue<SeenRequest> Requests { get; } = new();

    /// <summary>Answers a request; the text is its body.</summary>
    public Func<HttpContext, string, Task> Answer { get; set; } = (http, _) => Json(http, 200, Completion());

    public static async Task<StubGateway> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        StubGateway? stub = null;
        app.Run(async http =>
        {
            using var reader = new StreamReader(http.Request.Body);
            var body = await reader.ReadToEndAsync();
            stub!.Requests.Enqueue(new(http.Request.Path, body, http.Request.Headers.Authorization.ToString()));
            await stub.Answer(http, body);
        });
        await app.StartAsync();
        return stub = new StubGateway(app);
    }

    public static Task Json(HttpContext http, int status, string json, params (string Name, string Value)[] headers)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json";
        foreach (var (name, value) in headers)
        {
            http.Response.Headers[name] = value;
        }

        return http.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(json)).AsTask();
    }

    /// <summary>Server-sent events, each with its data.</summary>
    public static async Task Events(HttpContext http, params string[] events)
    {
        if (!http.Response.HasStarted)
        {
            http.Response.ContentType = "text/event-stream; charset=utf-8";
            await http.Response.StartAsync();
        }

        foreach (var item in events)
        {
            await http.Response.Body.WriteAsync(Encoding.UTF8.GetBytes($"data: {item}\n\n"), http.RequestAborted);
            await http.Response.Body.FlushAsync(http.RequestAborted);
        }
    }

    public static string Completion(string content = "Hello.", string model = "secret-model-7") => $$"""
        {"id":"chatcmpl-up","object":"chat.completion","created":1,"model":"{{model}}","system_fingerprint":"fp_x","provider_specific_fields":{"x":1},
         "choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"{{content}}","provider_specific_fields":{"y":2} } }],
         "usage":{"prompt_tokens":1000,"completion_tokens":500,"total_tokens":1500,"cost":0.1,"prompt_tokens_details":{"cached_tokens":200},"completion_tokens_details":{"reasoning_tokens":100} } }
        """;

    public static string Error(string message, string type = "None") =>
        $$$"""{"error":{"message":{{{System.Text.Json.JsonSerializer.Serialize(message)}}},"type":"{{{type}}}","param":null,"code":"400"}}""";

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(new CancellationToken(canceled: true));
        await _app.DisposeAsync();
    }
}

internal sealed record SeenRequest(string Path, string Body, string Authorization)
{
    public string Model => System.Text.Json.Nodes.JsonNode.Parse(Body)!["model"]!.GetValue<string>();
}
