using System.Collections.Concurrent;
using System.Diagnostics;

namespace SaasLlm.Benchmarks.Crash.Rig;

/// <summary>One of our services as a process of its own, that may die at any time and be started again.</summary>
/// <param name="arguments">The program's own.</param>
internal sealed class ServiceProcess(
    string name, string assembly, IReadOnlyDictionary<string, string> settings, params IReadOnlyList<string> arguments) : IAsyncDisposable
{
    /// <summary>What a shell says of a process that SIGKILL ended.</summary>
    public const int KilledExitCode = 137;

    private const int LinesKept = 300;

    // Reads a pipe of which we hold the other end: its end means that we stop it, or that we died. Ends with the program's own exit code.
    private const string Guard = """
        exec 3<&0 </dev/null
        "$@" 3<&- &
        child=$!
        ( read -r _ <&3; kill -KILL "$child" ) >/dev/null 2>&1 &
        watcher=$!
        wait "$child"; code=$?
        kill -KILL "$watcher" 2>/dev/null
        exit "$code"
        """;

    private readonly ConcurrentQueue<string> _output = new();
    private IReadOnlyDictionary<string, string> _orders = new Dictionary<string, string>();
    private Process? _process;

    public string Name => name;

    /// <summary>The last lines of it, over all its lives.</summary>
    public IReadOnlyList<string> Output => [.. _output];

    /// <summary>True when it was started with just these orders.</summary>
    public bool RunsWith(IReadOnlyDictionary<string, string> orders)
        => _orders.Count == orders.Count && orders.All(order => _orders.GetValueOrDefault(order.Key) == order.Value);

    /// <param name="more">What is configured for this life only, for example a failpoint.</param>
    public void Start(IReadOnlyDictionary<string, string> more)
    {
        // By env: a shell such as dash drops variables with a dot in their names, and failpoints have one.
        string[] program = ["env", .. more.Select(setting => $"{setting.Key}={setting.Value}"), "dotnet", "exec", Path.Combine(AppContext.BaseDirectory, assembly), .. arguments];
        var start = new ProcessStartInfo("/bin/sh", ["-c", Guard, "guard", .. program])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (setting, value) in settings)
        {
            start.Environment[setting] = value;
        }

        Note($"--- {name} starts {string.Join(' ', more.Select(setting => $"{setting.Key}={setting.Value}"))}");
        _orders = more;
        _process?.Dispose();
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Note(line.Data);
        _process.ErrorDataReceived += (_, line) => Note(line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>Null while it lives.</summary>
    public int? ExitCode => _process is { HasExited: true } ? _process.ExitCode : null;

    public bool HasExited => _process is null or { HasExited: true };

    /// <summary>SIGKILL.</summary>
    public async Task KillAsync()
    {
        if (_process is { } process)
        {
            process.StandardInput.Close();
            await process.WaitForExitAsync();
            process.Dispose();
            _process = null;
        }
    }

    public async ValueTask DisposeAsync() => await KillAsync();

    private void Note(string? line)
    {
        if (line is not null)
        {
            _output.Enqueue(line);
            while (_output.Count > LinesKept && _output.TryDequeue(out _))
            {
            }
        }
    }
}
