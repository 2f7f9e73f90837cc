using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using SaasLlm.Benchmarks.Crash.Rig;
using SaasLlm.Benchmarks.Driver;
using SaasLlm.Benchmarks.Stack;

namespace SaasLlm.Benchmarks.Gateway.Servers;

/// <summary>A bare Kestrel with one handler; and this program started as one.</summary>
internal static class ServerHost
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(90);

    /// <summary>Serves until the process is stopped.</summary>
    public static async Task<int> RunAsync(int port, RequestDelegate handler, CancellationToken cancellation)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().UseUrls($"http://127.0.0.1:{port}").ConfigureKestrel(kestrel => kestrel.AddServerHeader = false);
        await using var app = builder.Build();
        app.Run(handler);
        await app.StartAsync(cancellation);
        await Task.Delay(Timeout.Infinite, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return 0;
    }

    /// <summary>Starts a verb of this program that is a server, as a process of its own, and waits until it listens.</summary>
    public static Task<(ServiceProcess Process, Uri Address)> StartAsync(string verb, int port, CancellationToken cancellation, params string[] arguments)
    {
        port = port == 0 ? FreePort.Find() : port;
        return StartAsync(
            new ServiceProcess(verb, "SaasLlm.Benchmarks.dll", new Dictionary<string, string>(), [verb, "--port", $"{port}", .. arguments]), port, cancellation);
    }

    /// <summary>Starts the API of another build, on the stores of the run.</summary>
    /// <param name="folder">Where its program is.</param>
    public static Task<(ServiceProcess Process, Uri Address)> StartApiAsync(string folder, BenchmarkStack stack, CancellationToken cancellation)
    {
        var port = FreePort.Find();
        var settings = new Dictionary<string, string>
        {
            ["DOTNET_ENVIRONMENT"] = "Production",
            ["ASPNETCORE_ENVIRONMENT"] = "Production",
            ["ASPNETCORE_URLS"] = $"http://127.0.0.1:{port}",
            ["ConnectionStrings__saasllm"] = stack.Postgres,
            ["ConnectionStrings__redis"] = stack.Redis,
            ["Gateway__Kind"] = "openai",
            ["Gateway__BaseUrl"] = stack.Gateway.ToString(),
            ["Gateway__Key"] = BenchmarkStack.MasterKey,
            ["Encryption__Key"] = BenchmarkStack.EncryptionKey,
            ["Access__AdminKey"] = BenchmarkStack.AdminKey,
        };
        return StartAsync(new ServiceProcess("beside", Path.Combine(Path.GetFullPath(folder), "SaasLlm.ApiService.dll"), settings), port, cancellation);
    }

    private static async Task<(ServiceProcess Process, Uri Address)> StartAsync(ServiceProcess process, int port, CancellationToken cancellation)
    {
        process.Start(new Dictionary<string, string>());
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(s_patience);
        while (!await ListensAsync(port, limit.Token))
        {
            if (process.HasExited)
            {
                throw new InvalidOperationException($"{process.Name} ended: {string.Join('\n', process.Output)}");
            }

            await Task.Delay(50, limit.Token);
        }

        return (process, new($"http://127.0.0.1:{port}"));
    }

    private static async Task<bool> ListensAsync(int port, CancellationToken cancellation)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, port, cancellation);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
