namespace Aspire.Hosting.Embedded;

/// <summary>Finds the <c>aspire</c> command line, or fetches it once with npm into the user's cache.</summary>
internal static class DashboardCli
{
    private const string Version = "13.5.4";
    private const string Package = "@microsoft/aspire-cli-linux-x64";

    public static async Task<string> FindOrFetchAsync(EmbeddedConsole console, CancellationToken cancellation)
    {
        if (Programs.OnPath("aspire") is { } installed)
        {
            return installed;
        }

        var cache = Path.Combine(
            Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify),
            ".cache", "saasllm", $"aspire-cli-{Version}");
        if (Fetched(cache) is { } cached)
        {
            return cached;
        }

        var npm = Programs.OnPath("npm") ?? throw new DistributedApplicationException("neither `aspire` nor `npm` is on PATH");
        console.Note($"Fetching the dashboard ({Package} {Version}) in the background, once …");
        Directory.CreateDirectory(cache);
        // Into a folder of its own first: another AppHost may be fetching as well, and half a download must not count.
        var fetching = Directory.CreateTempSubdirectory("saasllm-aspire-");
        try
        {
            await Commands.RunAsync(
                npm, ["install", "--silent", "--no-audit", "--no-fund", "--no-save", "--prefix", fetching.FullName, $"{Package}@{Version}"], cancellation);
            await Commands.RunAsync("cp", ["-R", Path.Combine(fetching.FullName, "node_modules"), cache], cancellation);
        }
        finally
        {
            fetching.Delete(recursive: true);
        }

        return Fetched(cache) ?? throw new DistributedApplicationException($"{Package} has no `aspire` in it");
    }

    private static string? Fetched(string cache)
    {
        var package = Path.Combine(cache, "node_modules", Package);
        return Directory.Exists(package)
            ? Directory.EnumerateFiles(package, "aspire", SearchOption.AllDirectories).FirstOrDefault()
            : null;
    }
}
