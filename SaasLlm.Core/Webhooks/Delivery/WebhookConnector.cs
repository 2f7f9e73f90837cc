using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;

namespace SaasLlm.Core.Webhooks.Delivery;

/// <summary>
/// Connects to receivers. The name is looked up here, and the connection made to the very address that was checked: a name that leads
/// elsewhere at its next look-up gains nothing.
/// </summary>
internal sealed class WebhookConnector(WebhookAddresses addresses, HostLookUps lookUps)
{
    private static readonly TimeSpan s_connectMax = TimeSpan.FromSeconds(5);

    /// <summary>A handler that goes nowhere else, follows nothing and remembers nothing.</summary>
    public SocketsHttpHandler NewHandler() => new()
    {
        ConnectCallback = ConnectAsync,
        ConnectTimeout = s_connectMax,
        // A machine's own choice may go back to 1.0.
        SslOptions = new() { EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13 },
        // A proxy would connect in our place, wherever it likes.
        UseProxy = false,
        AllowAutoRedirect = false,
        UseCookies = false,
        // What is left of a long answer is not worth reading, nor is what a small one unpacks to.
        AutomaticDecompression = DecompressionMethods.None,
        MaxResponseDrainSize = 0,
        MaxResponseHeadersLength = 16,
        PooledConnectionLifetime = TimeSpan.FromMinutes(2),
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
        // Our traces are not a receiver's business.
        ActivityHeadersPropagator = null,
    };

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        var found = await lookUps.ResolveAsync(context.DnsEndPoint.Host.Trim('[', ']'), cancellation);
        var allowed = found.Where(addresses.IsAllowed).ToList();
        if (allowed.Count == 0)
        {
            throw new AddressRefusedException();
        }

        for (var index = 0; ; index++)
        {
            var socket = new Socket(allowed[index].AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(new IPEndPoint(allowed[index], context.DnsEndPoint.Port), cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch (SocketException) when (index < allowed.Count - 1)
            {
                socket.Dispose();
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }
    }
}

/// <summary>A name leads to no address that webhooks may go to.</summary>
internal sealed class AddressRefusedException() : IOException("The name leads to no public address.");
