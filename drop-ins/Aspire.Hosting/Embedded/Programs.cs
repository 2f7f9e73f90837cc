namespace Aspire.Hosting.Embedded;

/// <summary>Finds the programs of this machine, and installs what is missing where that is ours to do.</summary>
internal static class Programs
{
    private static readonly SemaphoreSlim s_oneAtATime = new(1, 1);

    public static string? OnPath(string name)
        => In((Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Append("/usr/local/bin").Append("/opt/homebrew/bin"), name);

    /// <summary>The first folder's program of that name.</summary>
    internal static string? In(IEnumerable<string> folders, string name)
        => folders.Select(folder => Path.Combine(folder, name)).FirstOrDefault(IsThere);

    /// <summary>The program, installed by the system's package manager if need be.</summary>
    public static async Task<string> RequireAsync(
        Func<string?> find, string program, string package, EmbeddedConsole console, CancellationToken cancellation)
    {
        if (find() is { } found)
        {
            return found;
        }

        await s_oneAtATime.WaitAsync(cancellation);
        try
        {
            if (find() is { } meanwhile)
            {
                return meanwhile;
            }

            if (Environment.UserName != "root" || OnPath("apt-get") is not { } apt)
            {
                throw new DistributedApplicationException($"{program} is not on this machine. Install it: {InstallCommand(package)}");
            }

            console.Note($"{program} is not on this machine: installing Debian's package {package} …");
            await InstallAsync(apt, package, cancellation);
            return find() ?? throw new DistributedApplicationException($"{program} is not there although {package} was installed.");
        }
        finally
        {
            s_oneAtATime.Release();
        }
    }

    // A removed package can leave a link to its program behind, and File.Exists is content with the link.
    private static bool IsThere(string path)
        => File.Exists(path) && (File.ResolveLinkTarget(path, returnFinalTarget: true)?.Exists ?? true);

    private static string InstallCommand(string package)
        => OperatingSystem.IsMacOS()
            ? $"brew install {(package == "postgresql" ? "postgresql@17" : "redis")}"
            : $"sudo apt-get install --no-install-recommends {package}";

    private static async Task InstallAsync(string apt, string package, CancellationToken cancellation)
    {
        // The distribution must not start a server of its own, nor make a cluster that nobody asked for.
        var policy = "/usr/sbin/policy-rc.d";
        var ours = !File.Exists(policy);
        var environment = new Dictionary<string, string> { ["DEBIAN_FRONTEND"] = "noninteractive", ["RUNLEVEL"] = "1" };
        try
        {
            if (ours)
            {
                await File.WriteAllTextAsync(policy, "#!/bin/sh\nexit 101\n", cancellation);
                await Commands.RunAsync("chmod", ["755", policy], cancellation);
            }

            await Commands.TryAsync(apt, ["update", "-q"], cancellation, environment);
            if (package == "postgresql")
            {
                await WithoutClusterAsync(apt, environment, cancellation);
            }

            await Commands.RunAsync(apt, ["install", "-y", "-q", "--no-install-recommends", package], cancellation, environment);
        }
        finally
        {
            if (ours)
            {
                File.Delete(policy);
            }
        }
    }

    // postgresql-common decides whether installing a server makes a cluster; it must be asked first.
    private static async Task WithoutClusterAsync(string apt, Dictionary<string, string> environment, CancellationToken cancellation)
    {
        const string Settings = "/etc/postgresql-common/createcluster.conf";
        await Commands.RunAsync(apt, ["install", "-y", "-q", "--no-install-recommends", "postgresql-common"], cancellation, environment);
        if (File.Exists(Settings))
        {
            var text = await File.ReadAllTextAsync(Settings, cancellation);
            await File.WriteAllTextAsync(Settings, text + "\ncreate_main_cluster = false\n", cancellation);
        }
    }
}
