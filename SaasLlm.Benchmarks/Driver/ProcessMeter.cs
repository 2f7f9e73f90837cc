using System.Globalization;

namespace SaasLlm.Benchmarks.Driver;

/// <summary>CPU time and peak memory of this process and the ones it started, by what they are. Linux; elsewhere all zero.</summary>
internal sealed class ProcessMeter : IAsyncDisposable
{
    private const double TicksPerSecond = 100; // USER_HZ, the same on every Linux .NET runs on
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(1);
    private static readonly Dictionary<int, string> s_others = [];

    private readonly Dictionary<string, double> _cpuBefore = ReadCpu();
    private readonly Dictionary<string, long> _memory = [];
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _watch;

    public ProcessMeter() => _watch = WatchAsync();

    /// <summary>Counts a process that this one did not start, with its descendants; 0: none.</summary>
    public static void Also(int processId, string name)
    {
        if (processId != 0)
        {
            s_others[processId] = name;
        }
    }

    /// <summary>What was used since this meter was made.</summary>
    public async Task<IReadOnlyDictionary<string, ProcessUse>> StopAsync()
    {
        await _stopping.CancelAsync();
        await _watch;
        var cpu = ReadCpu();
        return cpu.Keys.Union(_memory.Keys).ToDictionary(
            name => name,
            name => new ProcessUse(cpu.GetValueOrDefault(name) - _cpuBefore.GetValueOrDefault(name), _memory.GetValueOrDefault(name)));
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _watch;
        _stopping.Dispose();
    }

    private async Task WatchAsync()
    {
        do
        {
            foreach (var (name, bytes) in ReadMemory())
            {
                _memory[name] = Math.Max(_memory.GetValueOrDefault(name), bytes);
            }

            await Task.Delay(s_pause, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        while (!_stopping.IsCancellationRequested);
    }

    private static Dictionary<string, double> ReadCpu()
    {
        var cpu = new Dictionary<string, double>();
        foreach (var (id, name) in Family())
        {
            if (name != "pgbench" && Stat(id) is { } stat)
            {
                // Postgres' ended sessions count with it, and pgbench, which ends before we look, is our own ended child.
                var (own, children) = (stat[11] + stat[12], stat[13] + stat[14]);
                cpu[name] = cpu.GetValueOrDefault(name) + ((own + (name == "postgres" ? children : 0)) / TicksPerSecond);
                if (id == Environment.ProcessId)
                {
                    cpu["pgbench"] = children / TicksPerSecond;
                }
            }
        }

        return cpu;
    }

    // What is a process' own is summed; what the processes of one name share (Postgres' buffers) counts once.
    private static Dictionary<string, long> ReadMemory()
    {
        var own = new Dictionary<string, long>();
        var shared = new Dictionary<string, long>();
        foreach (var (id, name) in Family())
        {
            var status = Lines($"/proc/{id}/status");
            own[name] = own.GetValueOrDefault(name) + Kilobytes(status, "RssAnon:");
            shared[name] = Math.Max(shared.GetValueOrDefault(name), Kilobytes(status, "RssShmem:") + Kilobytes(status, "RssFile:"));
        }

        return own.ToDictionary(entry => entry.Key, entry => (entry.Value + shared[entry.Key]) * 1024);
    }

    // This process and its descendants, and the others with theirs.
    private static List<(int Id, string Name)> Family()
    {
        var parents = new Dictionary<int, int>();
        foreach (var folder in Directory.Exists("/proc") ? Directory.EnumerateDirectories("/proc") : [])
        {
            if (int.TryParse(Path.GetFileName(folder), out var id) && Stat(id) is { } stat)
            {
                parents[id] = (int)stat[1];
            }
        }

        List<(int, string)> family = [];
        foreach (var id in parents.Keys)
        {
            var ancestor = id;
            while (ancestor != Environment.ProcessId && !s_others.ContainsKey(ancestor) && parents.TryGetValue(ancestor, out var parent))
            {
                ancestor = parent;
            }

            if ((ancestor == Environment.ProcessId ? NameOf(id) : s_others.GetValueOrDefault(ancestor)) is { } name)
            {
                family.Add((id, name));
            }
        }

        return family;
    }

    private static string? NameOf(int id)
    {
        if (id == Environment.ProcessId)
        {
            return "driver";
        }

        var command = string.Join(' ', Lines($"/proc/{id}/cmdline")).Replace('\0', ' ');
        return command.Contains("guard", StringComparison.Ordinal) ? null
            : command.Contains("SaasLlm.ApiService", StringComparison.Ordinal) ? "api"
            : command.Contains("pgbench", StringComparison.Ordinal) ? "pgbench"
            : command.Contains("postgres", StringComparison.Ordinal) ? "postgres"
            : command.Contains("redis-server", StringComparison.Ordinal) ? "redis"
            : command.Contains("SaasLlm.JobRunner", StringComparison.Ordinal) ? "jobrunner"
            : command.Contains("SaasLlm.Benchmarks.dll upstream", StringComparison.Ordinal) ? "upstream"
            : command.Contains("SaasLlm.Benchmarks.dll pass-through", StringComparison.Ordinal) ? "pass-through"
            : null;
    }

    // The fields after the name, which may hold blanks: state, ppid, …, utime, stime, cutime, cstime.
    private static long[]? Stat(int id)
    {
        var line = Lines($"/proc/{id}/stat").FirstOrDefault();
        return line is null
            ? null
            : [.. line[(line.LastIndexOf(')') + 2)..].Split(' ').Take(15).Select(field => long.TryParse(field, CultureInfo.InvariantCulture, out var number) ? number : 0)];
    }

    private static long Kilobytes(string[] status, string field)
        => status.FirstOrDefault(line => line.StartsWith(field, StringComparison.Ordinal)) is { } line
            ? long.Parse(line[field.Length..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture)
            : 0;

    private static string[] Lines(string file)
    {
        try
        {
            return File.ReadAllLines(file);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return []; // It ended while we looked.
        }
    }
}

/// <param name="CpuSeconds">User and system time.</param>
/// <param name="PeakBytes">The most resident memory that was seen.</param>
internal readonly record struct ProcessUse(double CpuSeconds, long PeakBytes);
