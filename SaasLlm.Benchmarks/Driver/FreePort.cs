using System.Net;
using System.Net.Sockets;

namespace SaasLlm.Benchmarks.Driver;

/// <summary>Ports for servers that have to be told theirs, and come back to it when they are restarted.</summary>
internal static class FreePort
{
    // Below those that systems give to outgoing connections: one of them would take the port before its server does, or while it is down.
    private const int First = 20_000;
    private const int Last = 32_000;

    /// <summary>A port of 127.0.0.1 on which nothing listens.</summary>
    public static int Find()
    {
        while (true)
        {
            var port = Random.Shared.Next(First, Last);
            using var listener = new TcpListener(IPAddress.Loopback, port);
            try
            {
                listener.Start();
                return port;
            }
            catch (SocketException)
            {
                // Somebody has it.
            }
        }
    }
}
