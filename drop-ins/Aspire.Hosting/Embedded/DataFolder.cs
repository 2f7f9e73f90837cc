using System.Globalization;

namespace Aspire.Hosting.Embedded;

/// <summary>Where a run keeps its data, secrets, logs and its lock.</summary>
internal sealed class DataFolder(string path) : IDisposable
{
    private FileStream? _lock;
    private bool _temporary;

    public string Path { get; } = path;

    /// <summary>True when the run before this one did not end properly: its processes may be ending just now.</summary>
    public bool LeftBehind { get; private set; }

    private string LockFile => System.IO.Path.Combine(Path, "lock");

    private string PidFile => System.IO.Path.Combine(Path, "pid");

    public static DataFolder Temporary()
    {
        var folder = Directory.CreateTempSubdirectory("saasllm-");
        if (!OperatingSystem.IsWindows())
        {
            // Postgres' user must pass through to its own folder.
            folder.UnixFileMode |= UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        }

        return new(folder.FullName) { _temporary = true };
    }

    public string Sub(string name) => Directory.CreateDirectory(System.IO.Path.Combine(Path, name)).FullName;

    public void Lock()
    {
        Directory.CreateDirectory(Path);
        try
        {
            // The kernel drops this lock with the process, so a lock that is left behind is none.
            _lock = new FileStream(LockFile, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            var pid = File.Exists(PidFile) ? File.ReadAllText(PidFile).Trim() : "unknown";
            throw new DistributedApplicationException(
                $"It is already running, as process {pid}, on the data in {Path}. Stop that one first (kill {pid}), or give this one another folder: {EmbeddedOptions.FolderVariable}=<folder>.");
        }

        LeftBehind = File.Exists(PidFile);
        File.WriteAllText(PidFile, Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>Unlocks it, and removes it if it was made for this run only.</summary>
    public void Dispose()
    {
        if (_lock is null)
        {
            return;
        }

        File.Delete(PidFile);
        File.Delete(LockFile);
        _lock.Dispose();
        _lock = null;
        if (_temporary)
        {
            ForeignFolder.Delete(this);
            Directory.Delete(Path, recursive: true);
        }
    }

    public void Wipe()
    {
        ForeignFolder.Delete(this);
        foreach (var entry in new DirectoryInfo(Path).EnumerateFileSystemInfos().Where(entry => entry.FullName != LockFile && entry.FullName != PidFile))
        {
            if (entry is DirectoryInfo folder)
            {
                folder.Delete(recursive: true);
            }
            else
            {
                entry.Delete();
            }
        }
    }
}
