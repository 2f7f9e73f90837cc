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

    /// <summary>
    /// The next time a client sends this text, it is passed on, and the line is cut when the server's reply that names it is there:
    /// it is done, and nobody hears of it.
    /// </summary>
    public string? CutReplyTo { get; set; }

    /// <summary>With its next cut it goes away altogether.</summary>
    public bool GoesAwayWithCut { get; set; }

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
            await server.ConnectAsync(_host, _port);
            lock (_clients)
            {
                // Asked in here: what comes while it goes away is cut as well.
                if (_refuses)
                {
                    return;
                }

                _clients.Add(client);
                _clients.Add(server);
            }

            var line = new Line(client, server);
            await Task.WhenAny(PumpToServerAsync(line), PumpToClientAsync(line));
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

    private async Task PumpToServerAsync(Line line)
    {
        var buffer = new byte[1 << 16];
        var before = "";
        while (await line.Client.GetStream().ReadAsync(buffer) is > 0 and var read)
        {
            var piece = Encoding.Latin1.GetString(buffer, 0, read);
            if (CutBefore is { } unheard && Ends(before, piece, unheard))
            {
                CutBefore = null;
                Cut(line);
                return;
            }

            if (CutReplyTo is { } reply && Ends(before, piece, reply))
            {
                (CutReplyTo, line.CutsReply) = (null, reply);
            }

            before = piece;
            await line.Server.GetStream().WriteAsync(buffer.AsMemory(0, read));
        }
    }

    private async Task PumpToClientAsync(Line line)
    {
        var buffer = new byte[1 << 16];
        var before = "";
        while (await line.Server.GetStream().ReadAsync(buffer) is > 0 and var read)
        {
            var piece = Encoding.Latin1.GetString(buffer, 0, read);
            if (line.CutsReply is { } reply && Ends(before, piece, reply))
            {
                Cut(line);
                return;
            }

            before = piece;
            await line.Client.GetStream().WriteAsync(buffer.AsMemory(0, read));
        }
    }

    // A text may come in two pieces.
    private static bool Ends(string before, string piece, string text)
        => string.Concat(before.AsSpan(Math.Max(0, before.Length - text.Length + 1)), piece).Contains(text, StringComparison.Ordinal);

    private void Cut(Line line)
    {
        Cuts++;
        if (GoesAwayWithCut)
        {
            GoAway();
        }

        line.Client.Client?.Close(0);
    }

    private sealed record Line(TcpClient Client, TcpClient Server)
    {
        public string? CutsReply { get; set; }
    }
}
