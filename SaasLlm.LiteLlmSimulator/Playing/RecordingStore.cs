using System.Collections.Concurrent;
using System.Text.RegularExpressions;

namespace SaasLlm.LiteLlmSimulator.Playing;

/// <summary>The recordings by name: indexed when first needed, each parsed when first played.</summary>
internal sealed partial class RecordingStore(SimulatorOptions options)
{
    public const string Version = "1.106.2";

    private readonly Lazy<SortedDictionary<string, string>> _files = new(() => Index(options));
    private readonly ConcurrentDictionary<string, Recording> _parsed = new();

    /// <summary>All names with their version, for example <c>1.106.2/inference/errors/upstream-429</c>.</summary>
    public IReadOnlyCollection<string> Names => _files.Value.Keys;

    /// <summary>The file of a case.</summary>
    /// <param name="name">As in INDEX.md, with or without a version before it.</param>
    public string? Find(string name)
    {
        if (!VersionPrefix().IsMatch(name))
        {
            return _files.Value.GetValueOrDefault($"{Version}/{name}");
        }

        // Of other versions only the answers that differ were kept.
        return _files.Value.GetValueOrDefault(name) ?? _files.Value.GetValueOrDefault($"{Version}/{name[(name.IndexOf('/', StringComparison.Ordinal) + 1)..]}");
    }

    public Recording? Load(string name) => Find(name) is { } file ? _parsed.GetOrAdd(file, path => Recording.Parse(File.ReadAllBytes(path))) : null;

    private static SortedDictionary<string, string> Index(SimulatorOptions options)
    {
        var files = new SortedDictionary<string, string>(StringComparer.Ordinal);
        Add(files, Path.Combine(AppContext.BaseDirectory, "Recordings"));
        if (options.FurtherRecordings is { Length: > 0 } further)
        {
            Add(files, further);
        }

        return files;
    }

    private static void Add(SortedDictionary<string, string> files, string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw new DirectoryNotFoundException($"There is no folder of recordings at {folder}.");
        }

        foreach (var file in Directory.EnumerateFiles(folder, "*.json", SearchOption.AllDirectories))
        {
            var name = Path.GetRelativePath(folder, file)[..^".json".Length].Replace('\\', '/');
            files[VersionPrefix().IsMatch(name) ? name : $"{Version}/{name}"] = file;
        }
    }

    [GeneratedRegex(@"^\d+\.\d+\.\d+/")]
    private static partial Regex VersionPrefix();
}
