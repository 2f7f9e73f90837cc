using System.Globalization;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Embedded;

namespace Aspire.Hosting.Postgres;

/// <summary>A cluster of our own, on loopback, with a password; as an unprivileged user when we are root, which Postgres refuses.</summary>
internal sealed class PostgresLauncher : Launcher
{
    private const string User = "postgres";

    public override async Task<LaunchPlan?> PrepareAsync(IResource resource, RunContext run, CancellationToken cancellation)
    {
        var server = (PostgresServerResource)resource;
        var binaries = server.Binaries = await PostgresBinaries.RequireAsync(run.Console, cancellation);
        var user = Environment.UserName == "root" ? User : null;
        var keeps = resource.Annotations.OfType<DataVolumeAnnotation>().Any();
        var folder = await ForeignFolder.MakeAsync(run.Options.Folder, resource.Name, user, cancellation);
        var data = Path.Combine(folder, "data");
        if (!keeps && Directory.Exists(data))
        {
            Directory.Delete(data, recursive: true);
        }

        if (!File.Exists(Path.Combine(data, "PG_VERSION")))
        {
            await InitializeAsync(server, binaries, folder, data, user, cancellation);
        }

        await WaitForPredecessorAsync(data, cancellation);
        // Last: Postgres takes the last of two values.
        string[] arguments = [.. Arguments(server, data, durable: !run.Options.Testing), .. await ArgumentsAsync(resource, cancellation)];
        return new LaunchPlan(binaries.Server, arguments)
        {
            // Fast: open sessions are ended, not waited for.
            StopSignal = "INT",
            User = user,
            WorkingDirectory = "/",
        };
    }

    public override async Task<string?> ProbeAsync(IResource resource, RunContext run, CancellationToken cancellation)
    {
        var server = (PostgresServerResource)resource;
        var (code, output) = await Commands.TryAsync(
            server.Binaries!.IsReady, ["-q", "-h", "127.0.0.1", "-p", Text(server.PrimaryEndpoint.Port)], cancellation);
        return code == 0 ? null : $"pg_isready says {code} {output}";
    }

    public override string? Advice(string output)
        => output.Contains("incompatible", StringComparison.Ordinal)
            ? "The data is of another version of PostgreSQL. --fresh starts with new data."
            : null;

    private static async Task InitializeAsync(
        PostgresServerResource server, PostgresBinaries binaries, string folder, string data, string? user, CancellationToken cancellation)
    {
        if (Directory.Exists(data))
        {
            Directory.Delete(data, recursive: true);
        }

        // initdb takes the password from a file only; ours lives as long as the command.
        var password = Path.Combine(folder, "password");
        await File.WriteAllTextAsync(password, await server.PasswordParameter.GetValueAsync(cancellation), cancellation);
        try
        {
            await Commands.RunAsync("chmod", ["600", password], cancellation);
            if (user is not null)
            {
                await Commands.RunAsync("chown", [user, password], cancellation);
            }

            string[] command =
            [
                binaries.InitDb, "-D", data, "-U", (await server.UserNameReference.GetValueAsync(cancellation))!, $"--pwfile={password}",
                "-A", "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync",
            ];
            if (user is null)
            {
                await Commands.RunAsync(command[0], command[1..], cancellation);
            }
            else
            {
                await Commands.RunAsync("setpriv", [.. Commands.As(user), .. command], cancellation);
            }
        }
        finally
        {
            File.Delete(password);
        }
    }

    // After a kill the old server needs a moment to end; its pid file says that it has not.
    private static async Task WaitForPredecessorAsync(string data, CancellationToken cancellation)
    {
        var file = Path.Combine(data, "postmaster.pid");
        for (var tries = 0; tries < 100 && File.Exists(file); tries++)
        {
            var pid = (await File.ReadAllLinesAsync(file, cancellation)).FirstOrDefault();
            if (!Directory.Exists($"/proc/{pid}"))
            {
                return;
            }

            await Task.Delay(100, cancellation);
        }
    }

    private static List<string> Arguments(PostgresServerResource server, string data, bool durable)
    {
        string[] settings =
        [
            "listen_addresses=127.0.0.1", "unix_socket_directories=", "shared_buffers=256MB", "max_connections=500",
            "max_wal_size=2GB", "log_min_messages=warning", "log_line_prefix=",
            // A test's data is never read after a crash.
            .. durable ? Array.Empty<string>() : ["fsync=off", "full_page_writes=off"],
        ];
        return ["-D", data, "-p", Text(server.PrimaryEndpoint.Port), .. settings.SelectMany(setting => new[] { "-c", setting })];
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
