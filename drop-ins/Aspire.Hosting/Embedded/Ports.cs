using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Embedded;

/// <summary>Which port each endpoint gets, and who sits on one that we need.</summary>
internal static class Ports
{
    private static readonly string[] s_tables = ["/proc/net/tcp", "/proc/net/tcp6"];

    public static async Task AllocateAsync(IEnumerable<IResource> resources, EmbeddedOptions options, CancellationToken cancellation)
    {
        foreach (var resource in resources)
        {
            foreach (var endpoint in resource.Annotations.OfType<EndpointAnnotation>())
            {
                endpoint.AllocatedPort = endpoint.Port is { } wanted && !options.Testing
                    ? await RequireAsync(resource.Name, wanted, options.Folder.LeftBehind, cancellation)
                    : Free();
            }
        }
    }

    /// <summary>
    /// Whoever gets it starts a moment later. So it is none of those that the system hands out by itself, to connections and to servers that ask for
    /// any, unless all others are taken.
    /// </summary>
    public static int Free()
    {
        for (var tries = 0; tries < 1000; tries++)
        {
            var port = Random.Shared.Next(20_000, 32_000);
            if (IsFree(port))
            {
                return port;
            }
        }

        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public static bool IsFree(int port)
    {
        try
        {
            // As Kestrel does for localhost: both loopbacks.
            Bind(IPAddress.Loopback, port);
            if (Socket.OSSupportsIPv6)
            {
                Bind(IPAddress.IPv6Loopback, port);
            }

            return true;
        }
        catch (SocketException exception) when (exception.SocketErrorCode is SocketError.AddressNotAvailable or SocketError.AddressFamilyNotSupported)
        {
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>For example <c>nginx (process 812)</c>; null where the system does not tell.</summary>
    public static string? Owner(int port)
    {
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }

        var inodes = s_tables.Where(File.Exists).SelectMany(file => Listening(file, port)).ToHashSet();
        foreach (var process in Directory.EnumerateDirectories("/proc").Where(path => char.IsAsciiDigit(Path.GetFileName(path)[0])))
        {
            try
            {
                if (Directory.EnumerateFiles(Path.Combine(process, "fd")).Any(fd => File.ResolveLinkTarget(fd, false) is { } link && inodes.Contains(link.Name)))
                {
                    return $"{File.ReadAllText(Path.Combine(process, "comm")).Trim()} (process {Path.GetFileName(process)})";
                }
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // It ended, or is another user's.
            }
        }

        return null;
    }

    private static async Task<int> RequireAsync(string resource, int port, bool patient, CancellationToken cancellation)
    {
        // What a killed run left behind is ending while we start.
        for (var tries = 0; !IsFree(port); tries++)
        {
            if (!patient || tries >= 40)
            {
                var owner = Owner(port) ?? "another program";
                throw new DistributedApplicationException(
                    $"port {port}, which {resource} needs, is taken by {owner}. Stop that program and start again.");
            }

            await Task.Delay(250, cancellation);
        }

        return port;
    }

    private static void Bind(IPAddress address, int port)
    {
        using var listener = new TcpListener(address, port);
        listener.Start();
    }

    // sl local_address rem_address st … inode:   0: 0100007F:1F43 00000000:0000 0A … 123456
    private static IEnumerable<string> Listening(string file, int port)
        => File.ReadLines(file).Skip(1)
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(column => column[3] == "0A" && column[1].EndsWith($":{port:X4}", StringComparison.Ordinal))
            .Select(column => $"socket:[{column[9]}]");
}
