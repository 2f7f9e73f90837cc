using System.Collections.Concurrent;
using System.Diagnostics;

namespace SaasLlm.Benchmarks.Crash.Rig;

/// <summary>One of our services as a process of its own, that may die at any time and be started again.</summary>
internal sealed class ServiceProcess(string name, string program, IReadOnlyDictionary<string, string> settings) : IAsyncDisposable
{
    /// <summary>What a shell says of a process that SIGKILL ended.</summary>
    public const int KilledExitCode = 137;

    private const int LinesKept = 300;

    private readonly ConcurrentQueue<string> _output = new();
    private Process? _process;

    public string Name => name;

    /// <summary>The last lines of it, over all its lives.</summary>
    public IReadOnlyList<string> Output => [.. _output];

    /// <param name="more">What is configured for this life only, for example a failpoint.</param>
    public void Start(IReadOnlyDictionary<string, string> more)
    {
        var start = new ProcessStartInfo("dotnet", ["exec", Path.Combine(AppContext.BaseDirectory, program)])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (setting, value) in settings.Concat(more))
        {
            start.Environment[setting] = value;
        }

        Note($"--- {name} starts {string.Join(' ', more.Select(setting => $"{setting.Key}={setting.Value}"))}");
        _process?.Dispose();
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Note(line.Data);
        _process.ErrorDataReceived += (_, line) => Note(line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>Its exit code; null when it still lives after <paramref name="limit"/>.</summary>
    public async Task<int?> DeathAsync(TimeSpan limit, CancellationToken cancellation)
    {
        try
        {
            await _process!.WaitForExitAsync(cancellation).WaitAsync(limit, cancellation);
            return _process.ExitCode;
        }
        catch (TimeoutException)
        {
            return null;
        }
    }

    public bool HasExited => _process is null or { HasExited: true };

    /// <summary>SIGKILL.</summary>
    public async Task KillAsync()
    {
        if (_process is { } process)
        {
            process.Kill();
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
