namespace Aspire.Hosting.Embedded;

/// <summary>How this run differs from another; the switches are this stack's own.</summary>
internal sealed record EmbeddedOptions(DataFolder Folder, bool Fresh, bool UseDashboard, bool Testing)
{
    public const string FolderVariable = "SAASLLM_DATA";

    public static EmbeddedOptions Read(string[] args, AppHostMetadata metadata, bool testing, out string[] rest)
    {
        // Taken out before configuration reads the arguments: there, a switch would swallow what follows it.
        rest = [.. args.Where(arg => arg is not ("--fresh" or "--no-dashboard"))];
        var folder = Environment.GetEnvironmentVariable(FolderVariable) is { Length: > 0 } given && !testing
            ? new DataFolder(Path.GetFullPath(given))
            : testing ? DataFolder.Temporary() : new DataFolder(Path.Combine(SolutionFolder(metadata.Directory), ".saasllm"));
        return new EmbeddedOptions(folder, args.Contains("--fresh"), !testing && !args.Contains("--no-dashboard"), testing);
    }

    private static string SolutionFolder(string from)
    {
        for (var folder = new DirectoryInfo(from); folder is not null; folder = folder.Parent)
        {
            if (folder.EnumerateFiles("*.sln").Any() || folder.EnumerateFiles("*.slnx").Any())
            {
                return folder.FullName;
            }
        }

        return from;
    }
}
