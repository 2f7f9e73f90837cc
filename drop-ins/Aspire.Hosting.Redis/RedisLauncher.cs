using System.Net;
using System.Net.Sockets;
using System.Text;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Embedded;

namespace Aspire.Hosting.Redis;

/// <summary>A server of our own, on loopback, with a password.</summary>
internal sealed class RedisLauncher : Launcher
{
    public override async Task<LaunchPlan?> PrepareAsync(IResource resource, RunContext run, CancellationToken cancellation)
    {
        var redis = (RedisResource)resource;
        var program = await Programs.RequireAsync(() => Programs.OnPath("redis-server"), "redis-server", "redis-server", run.Console, cancellation);
        var keeps = resource.Annotations.OfType<DataVolumeAnnotation>().Any();
        var folder = run.Options.Folder.Sub(resource.Name);
        // A file, because arguments can be read by everyone on the machine.
        var settings = Path.Combine(folder, "redis.conf");
        await File.WriteAllTextAsync(settings, $"""
            port {redis.PrimaryEndpoint.Port}
            bind 127.0.0.1
            requirepass "{await redis.PasswordParameter!.GetValueAsync(cancellation)}"
            dir "{folder}"
            save {(keeps ? "60 1" : "\"\"")}
            loglevel warning
            """, cancellation);
        await Commands.RunAsync("chmod", ["600", settings], cancellation);
        return new LaunchPlan(program, [settings]);
    }

    public override async Task<string?> ProbeAsync(IResource resource, RunContext run, CancellationToken cancellation)
    {
        var redis = (RedisResource)resource;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(TimeSpan.FromSeconds(2));
        try
        {
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(IPAddress.Loopback, redis.PrimaryEndpoint.Port, limit.Token);
            var password = await redis.PasswordParameter!.GetValueAsync(cancellation);
            await socket.SendAsync(Encoding.UTF8.GetBytes($"AUTH {password}\r\nPING\r\n"), limit.Token);
            var answer = new StringBuilder();
            var buffer = new byte[256];
            while (!answer.ToString().Contains("PONG", StringComparison.Ordinal))
            {
                var read = await socket.ReceiveAsync(buffer, limit.Token);
                if (read == 0 || answer.ToString().Contains('-', StringComparison.Ordinal))
                {
                    return $"Redis answers {answer}";
                }

                answer.Append(Encoding.UTF8.GetString(buffer, 0, read));
            }

            return null;
        }
        catch (Exception exception) when (exception is SocketException or OperationCanceledException && !cancellation.IsCancellationRequested)
        {
            return "Redis does not answer";
        }
    }
}
