using System.Net;
using System.Net.Sockets;
using System.Text;

namespace SaasLlm.Tests.Credits;

/// <summary>Stands between the ledger and Postgres, and cuts the line at chosen moments.</summary>
internal sealed class TcpProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly List<TcpClient> _clients = [];
    private readonly string _host;
    private readonly int _port;
    private volatile bool _refuses;

    public TcpProxy(string host, int port)
    {
        (_host, _port) = (host, port);
        _listener.Start();
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>The next time a client sends this text, it is passed on, and the line is cut before the reply comes back.</summary>
    public string? CutReplyTo { get; set; }

    /// <summary>The next time a client sends this text, the line is cut and the server never sees it.</summary>
    public string? CutBefore { get; set; }

    public int Cuts { get; private set; }

    /// <summary>Cuts every line, and each new one at once.</summary>
    public void GoAway()
    {
        _refuses = true;
        lock (_clients)
        {
            _clients.ForEach(client => client.Dispose());
            _clients.Clear();
        }
    }

    public void ComeBack() => _refuses = false;

    public ValueTask DisposeAsync()
    {
        _listener.Stop();
        GoAway();
        return ValueTask.CompletedTask;
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = ServeAsync(await _listener.AcceptTcpClientAsync());
            }
        }
        catch (Exception exception) when (exception is ObjectDisposedException or SocketException or InvalidOperationException)
        {
            // The proxy was disposed.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var server = new TcpClient();
        try
        {
            if (_refuses)
            {
                client.Dispose();
                return;
            }

            await server.ConnectAsync(_host, _port);
            lock (_clients)
            {
                _clients.Add(client);
                _clients.Add(server);
            }

            await Task.WhenAny(PumpToServerAsync(client, server), server.GetStream().CopyToAsync(client.GetStream()));
        }
        catch (Exception exception) when (exception is IOException or SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // One end went away.
        }
        finally
        {
            client.Dispose();
        }
    }

    private async Task PumpToServerAsync(TcpClient client, TcpClient server)
    {
        var buffer = new byte[1 << 16];
        while (await client.GetStream().ReadAsync(buffer) is > 0 and var read)
        {
            var text = Encoding.Latin1.GetString(buffer, 0, read);
            if (CutBefore is { } before && text.Contains(before, StringComparison.Ordinal))
            {
                (CutBefore, Cuts) = (null, Cuts + 1);
                client.Client.Close(0);
                return;
            }

            if (CutReplyTo is { } reply && text.Contains(reply, StringComparison.Ordinal))
            {
                (CutReplyTo, Cuts) = (null, Cuts + 1);
                client.Client.Close(0);
                await server.GetStream().WriteAsync(buffer.AsMemory(0, read));
                // The server works on; nobody hears its answer.
                await Task.Delay(500);
                return;
            }

            await server.GetStream().WriteAsync(buffer.AsMemory(0, read));
        }
    }
}
