using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace SaasLlm.Tests.Hosting.Embedded;

/// <summary>The AppHost as a developer starts it: a process, with data of its own, and an API port nobody else has.</summary>
internal sealed class AppHostProcess : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);

    private readonly Process _process;
    private readonly StringBuilder _output = new();

    private AppHostProcess(Process process) => _process = process;

    public int Id => _process.Id;

    public string Output
    {
        get
        {
            lock (_output)
            {
                return _output.ToString();
            }
        }
    }

    public static AppHostProcess Start(string data, int port, string[]? args = null, (string Name, string Value)? variable = null)
    {
        var dll = Path.Combine(AppContext.BaseDirectory, "SaasLlm.AppHost.dll");
        // A test run that was itself started in the background ignores SIGINT, and its children would inherit that.
        var start = new ProcessStartInfo(
            "env", ["--default-signal=INT", "dotnet", "exec", dll, "--no-dashboard", "--api-port", port.ToString(CultureInfo.InvariantCulture), .. args ?? []])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["SAASLLM_DATA"] = data;
        start.Environment["DOTNET_ENVIRONMENT"] = "Development";
        if (variable is { } given)
        {
            start.Environment[given.Name] = given.Value;
        }

        var host = new AppHostProcess(Process.Start(start)!);
        host._process.OutputDataReceived += (_, line) => host.Keep(line.Data);
        host._process.ErrorDataReceived += (_, line) => host.Keep(line.Data);
        host._process.BeginOutputReadLine();
        host._process.BeginErrorReadLine();
        return host;
    }

    public async Task SaysAsync(string text)
    {
        var began = Stopwatch.GetTimestamp();
        while (!Output.Contains(text, StringComparison.Ordinal))
        {
            Assert.True(Stopwatch.GetElapsedTime(began) < s_patience, $"It never said \"{text}\":{Environment.NewLine}{Output}");
            Assert.False(_process.HasExited && !Output.Contains(text, StringComparison.Ordinal), $"It ended without \"{text}\":{Environment.NewLine}{Output}");
            await Task.Delay(50);
        }
    }

    public async Task<int> ExitCodeAsync()
    {
        await _process.WaitForExitAsync().WaitAsync(s_patience);
        return _process.ExitCode;
    }

    public async Task SignalAsync(string signal, int? pid = null)
    {
        using var kill = Process.Start("kill", ["-s", signal, (pid ?? Id).ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
    }

    /// <summary>Children, their children, and so on.</summary>
    public IReadOnlyList<int> Descendants()
    {
        var parents = Directory.EnumerateDirectories("/proc")
            .Select(path => int.TryParse(Path.GetFileName(path), out var pid) ? pid : 0)
            .Where(pid => pid > 0)
            .Select(pid => (Pid: pid, Parent: Parent(pid)))
            .ToLookup(process => process.Parent, process => process.Pid);
        var found = new List<int>();
        for (var left = new Queue<int>([Id]); left.TryDequeue(out var pid);)
        {
            foreach (var child in parents[pid])
            {
                found.Add(child);
                left.Enqueue(child);
            }
        }

        return found;
    }

    public static async Task<IReadOnlyList<int>> StillAliveAsync(IReadOnlyList<int> pids)
    {
        var began = Stopwatch.GetTimestamp();
        while (pids.Any(Alive) && Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(120))
        {
            await Task.Delay(100);
        }

        return [.. pids.Where(Alive)];
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            await SignalAsync("TERM");
            await ExitCodeAsync();
        }

        _process.Dispose();
    }

    // A zombie has ended; only its parent has not looked yet.
    private static bool Alive(int pid) => Stat(pid) is { } words && words[0] != "Z";

    private static int Parent(int pid) => Stat(pid) is { } words ? int.Parse(words[1], CultureInfo.InvariantCulture) : -1;

    private static string[]? Stat(int pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            return stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (IOException)
        {
            return null;
        }
    }

    private void Keep(string? line)
    {
        lock (_output)
        {
            _output.AppendLine(line);
        }
    }
}
