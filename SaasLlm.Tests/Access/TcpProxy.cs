using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace SaasLlm.Tests.Access;

/// <summary>A wire between a replica and a store that a test can cut, freeze and mend.</summary>
internal sealed class TcpProxy : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentDictionary<TcpClient, byte> _clients = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly string _host;
    private readonly int _port;
    private volatile TaskCompletionSource _flow = Flowing();
    private volatile bool _isCut;

    public TcpProxy(string host, int port)
    {
        (_host, _port) = (host, port);
        _listener.Start();
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>How long each piece takes on its way, there and back; none as a rule.</summary>
    public TimeSpan Delay { get; set; }

    /// <summary>Ends every connection and refuses new ones, as a stopped server does.</summary>
    public void Cut()
    {
        _isCut = true;
        foreach (var client in _clients.Keys)
        {
            client.Dispose();
        }
    }

    /// <summary>Keeps the connections and passes nothing on, as a hung server does.</summary>
    public void Freeze() => _flow = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>As it was.</summary>
    public void Mend()
    {
        _isCut = false;
        _flow.TrySetResult();
    }

    public void Dispose()
    {
        _stop.Cancel();
        _listener.Dispose();
        Cut();
        _flow.TrySetResult();
    }

    private static TaskCompletionSource Flowing()
    {
        var flow = new TaskCompletionSource();
        flow.SetResult();
        return flow;
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync(_stop.Token);
                _ = ServeAsync(client);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Disposed.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var server = new TcpClient();
        _clients[client] = 0;
        _clients[server] = 0;
        try
        {
            // Asked when they are listed: whoever cuts meanwhile sees them.
            if (_isCut)
            {
                return;
            }

            await server.ConnectAsync(_host, _port, _stop.Token);
            await Task.WhenAny(PumpAsync(client, server), PumpAsync(server, client));
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Cut.
        }
        finally
        {
            _clients.TryRemove(client, out _);
            _clients.TryRemove(server, out _);
            client.Dispose();
        }
    }

    private async Task PumpAsync(TcpClient from, TcpClient to)
    {
        var buffer = new byte[16 * 1024];
        try
        {
            while (await from.GetStream().ReadAsync(buffer, _stop.Token) is var length and > 0)
            {
                await _flow.Task;
                await Task.Delay(Delay, _stop.Token);
                await to.GetStream().WriteAsync(buffer.AsMemory(0, length), _stop.Token);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            // Cut.
        }
    }
}
