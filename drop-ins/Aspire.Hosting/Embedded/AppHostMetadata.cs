using System.Reflection;

namespace Aspire.Hosting.Embedded;

/// <summary>What the build wrote into the AppHost's assembly: Directory.Build.targets.</summary>
internal sealed record AppHostMetadata(string Name, string Directory, IReadOnlyDictionary<string, string?> Defaults)
{
    private const string ProjectKey = "EmbeddedAppHost:Project";
    private const string DefaultPrefix = "EmbeddedDefault:";
    private const string OutputPrefix = "EmbeddedOutput:";

    public static AppHostMetadata Read(Assembly? appHost)
    {
        appHost ??= Assembly.GetEntryAssembly() ?? throw new InvalidOperationException("There is no entry assembly.");
        var entries = Entries(appHost);
        var project = entries.GetValueOrDefault(ProjectKey)
            ?? throw new InvalidOperationException($"{appHost.GetName().Name} was not built as an AppHost of the Embedded stack.");
        return new AppHostMetadata(
            appHost.GetName().Name!,
            Path.GetDirectoryName(project)!,
            entries.Where(entry => entry.Key.StartsWith(DefaultPrefix, StringComparison.Ordinal))
                .ToDictionary(entry => entry.Key[DefaultPrefix.Length..], string? (entry) => entry.Value));
    }

    /// <summary>The built assembly of a project that the AppHost refers to.</summary>
    public static string Output(Assembly appHost, string projectPath)
        => Entries(appHost).GetValueOrDefault(OutputPrefix + Path.GetFileNameWithoutExtension(projectPath))
           ?? throw new DistributedApplicationException($"{projectPath} is not a ProjectReference of the AppHost.");

    private static Dictionary<string, string> Entries(Assembly assembly)
        => assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .Where(entry => entry.Value is not null)
            .DistinctBy(entry => entry.Key)
            .ToDictionary(entry => entry.Key, entry => entry.Value!);
}
