using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using SaasLlm.Benchmarks.Driver;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.Credits;

/// <summary>A Redis of a test's own, that it may empty and kill, behind a wire that it may slow down and cut.</summary>
internal sealed class PrivateRedis : IAsyncDisposable
{
    private readonly int _port = FreePort.Find();
    private Process? _process;

    private PrivateRedis() => Wire = new("127.0.0.1", _port);

    /// <summary>What <see cref="Connection"/> goes through.</summary>
    public Access.TcpProxy Wire { get; }

    /// <summary>Through the wire.</summary>
    public string Connection => $"127.0.0.1:{Wire.Port}";

    /// <summary>Past the wire.</summary>
    public string Direct => $"127.0.0.1:{_port}";

    public static async Task<PrivateRedis> StartAsync()
    {
        var redis = new PrivateRedis();
        await redis.LaunchAsync();
        return redis;
    }

    /// <summary>Kills it, with all it knew, and starts it again empty.</summary>
    public async Task RestartAsync()
    {
        await KillAsync();
        await LaunchAsync();
    }

    /// <summary>FLUSHALL.</summary>
    public async Task FlushAsync() => Assert.Equal("+OK", await AskAsync("FLUSHALL"));

    public async ValueTask DisposeAsync()
    {
        Wire.Dispose();
        await KillAsync();
    }

    private async Task LaunchAsync()
    {
        // The shell waits for its input to end, which it does when this process ends, however it does, and takes the server with it. It is
        // gone after the server: the next one needs the port, and must not be taken for the one that dies.
        const string script = """redis-server --port "$0" --bind 127.0.0.1 --save "" --loglevel warning >/dev/null & read -r end; kill -9 $!; wait $! 2>/dev/null""";
        _process = Process.Start(new ProcessStartInfo("sh", ["-c", script, $"{_port}"]) { RedirectStandardInput = true })!;
        await Eventually.IsSoAsync(
            async () => await AskAsync("PING") == "+PONG", () => "redis-server did not start: is it installed and on the PATH?", TimeSpan.FromMilliseconds(50));
    }

    private async Task KillAsync()
    {
        if (_process is not null)
        {
            _process.StandardInput.Close();
            await _process.WaitForExitAsync();
            _process.Dispose();
            _process = null;
        }
    }

    private async Task<string?> AskAsync(string command)
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, _port);
            using var writer = new StreamWriter(client.GetStream()) { AutoFlush = true };
            using var reader = new StreamReader(client.GetStream());
            await writer.WriteAsync(command + "\r\n");
            return await reader.ReadLineAsync();
        }
        catch (Exception exception) when (exception is SocketException or IOException)
        {
            return null;
        }
    }
}
