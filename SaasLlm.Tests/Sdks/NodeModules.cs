using System.Globalization;
using System.Security.Cryptography;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.Sdks;

/// <summary>
/// Node.js and the packages of <c>js/package-lock.json</c>: installed once into <c>artifacts/</c>, in a folder named for the lock file.
/// Where Node.js itself is missing, Debian's package is installed as root, as the AppHost does with its stores.
/// </summary>
internal static class NodeModules
{
    private const int VersionMin = 18;

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(4);
    private static readonly Lazy<Task<string>> s_folder = new(InstallAsync);

    /// <summary>The sources of the scripts.</summary>
    public static string Scripts { get; } = Path.Combine(Repository.Root, "SaasLlm.Tests", "Sdks", "js");

    /// <summary>A folder whose scripts find the packages.</summary>
    public static Task<string> FolderAsync() => s_folder.Value;

    private static async Task<string> InstallAsync()
    {
        var locked = await File.ReadAllBytesAsync(Path.Combine(Scripts, "package-lock.json"));
        var folder = Path.Combine(Repository.Root, "artifacts", "node", Convert.ToHexStringLower(SHA256.HashData(locked))[..12]);
        Directory.CreateDirectory(Path.GetDirectoryName(folder)!);

        // Two runs in one clone, of either stack, install once; half an installation never counts.
        using var turn = await WaitForTurnAsync(folder + ".lock");
        await RequireNodeAsync();
        if (Directory.Exists(folder))
        {
            return folder;
        }

        var installing = Directory.CreateDirectory($"{folder}.{Environment.ProcessId}").FullName;
        foreach (var name in (string[])["package.json", "package-lock.json"])
        {
            File.Copy(Path.Combine(Scripts, name), Path.Combine(installing, name), overwrite: true);
        }

        await Programs.RunAsync(
            OperatingSystem.IsWindows() ? "npm.cmd" : "npm", ["ci", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund"], installing, s_patience);
        Directory.Move(installing, folder);
        return folder;
    }

    private static async Task RequireNodeAsync()
    {
        if (!Programs.IsOnPath("node") || !Programs.IsOnPath("npm"))
        {
            Assert.True(
                Environment.UserName == "root" && Programs.IsOnPath("apt-get"),
                $"The SDK tests need Node.js {VersionMin} or later with npm: install it (https://nodejs.org).");
            await Programs.RunAsync("apt-get", ["update", "-q"], "/", s_patience);
            await Programs.RunAsync("apt-get", ["install", "-y", "-q", "--no-install-recommends", "nodejs", "npm"], "/", s_patience);
        }

        var version = (await Programs.RunAsync("node", ["--version"], "/", s_patience)).Trim();
        var major = int.Parse(version.TrimStart('v').Split('.')[0], CultureInfo.InvariantCulture);
        Assert.True(major >= VersionMin, $"The SDK tests need Node.js {VersionMin} or later; this is {version}.");
    }

    private static async Task<FileStream> WaitForTurnAsync(string path)
    {
        var until = DateTime.UtcNow + s_patience;
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (DateTime.UtcNow < until)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(200));
            }
        }
    }
}
