using System.Diagnostics;

namespace Aspire.Hosting.Embedded;

/// <summary>
/// A child that cannot outlive us. A small shell stands between: it starts the program in a session of its own and reads a
/// pipe of which we hold the other end. A line is a signal to pass on; its end means that we are gone, however that came.
/// </summary>
internal sealed class GuardedProcess : IDisposable
{
    private const string Guard = """
        stop=$1; shift
        exec 3<&0 </dev/null
        "$@" 3<&- &
        child=$!
        trap '' INT TERM HUP
        pass() { kill -s "$1" -- "-$child" 2>/dev/null || kill -s "$1" "$child" 2>/dev/null; }
        (
          while read -r signal <&3; do pass "$signal"; done
          pass "$stop"
          n=0
          while kill -0 "$child" 2>/dev/null && [ "$n" -lt 50 ]; do sleep 0.1; n=$((n + 1)); done
          pass KILL
        ) >/dev/null 2>&1 &
        watcher=$!
        wait "$child"; code=$?
        kill -s KILL "$watcher" 2>/dev/null
        kill -s KILL -- "-$child" 2>/dev/null
        exit "$code"
        """;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(12);

    private readonly Process _process;
    private readonly string _stopSignal;

    private GuardedProcess(Process process, string stopSignal) => (_process, _stopSignal) = (process, stopSignal);

    public int ExitCode => _process.ExitCode;

    public static GuardedProcess Start(LaunchPlan plan, Action<string> output)
    {
        string[] prefix =
        [
            .. SetSid is null ? Array.Empty<string>() : [SetSid],
            .. plan.User is null ? Array.Empty<string>() : ["setpriv", .. Commands.As(plan.User)],
        ];
        // A shell such as dash drops variables that it could not name itself, for example Logging__LogLevel__Microsoft.AspNetCore: env sets them behind it.
        string[] unspeakable =
        [
            .. plan.Environment.Where(variable => variable.Key.Any(letter => letter != '_' && !char.IsAsciiLetterOrDigit(letter)))
                .Select(variable => $"{variable.Key}={variable.Value}"),
        ];
        string[] program = [.. prefix, .. unspeakable.Length == 0 ? unspeakable : ["env", .. unspeakable], plan.Program, .. plan.Arguments];
        var start = new ProcessStartInfo("/bin/sh", ["-c", Guard, "guard", plan.StopSignal, .. program])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = plan.WorkingDirectory,
        };
        // What configured us is not for our children.
        foreach (var name in start.Environment.Keys.Where(IsOurs).ToArray())
        {
            start.Environment.Remove(name);
        }

        foreach (var (name, value) in plan.Environment)
        {
            start.Environment[name] = value;
        }

        var process = Process.Start(start)!;
        _ = PumpAsync(process.StandardOutput, output);
        _ = PumpAsync(process.StandardError, output);
        return new GuardedProcess(process, plan.StopSignal);
    }

    public Task WaitAsync(CancellationToken cancellation = default) => _process.WaitForExitAsync(cancellation);

    public async Task StopAsync()
    {
        Signal(_stopSignal);
        try
        {
            await _process.WaitForExitAsync().WaitAsync(s_patience);
        }
        catch (TimeoutException)
        {
            Signal("KILL");
            await _process.WaitForExitAsync();
        }
    }

    public void Dispose() => _process.Dispose();

    private static string? SetSid { get; } = new[] { "/usr/bin/setsid", "/bin/setsid" }.FirstOrDefault(File.Exists);

    private static bool IsOurs(string name)
        => name.StartsWith("ASPNETCORE_", StringComparison.Ordinal) || name.StartsWith("DOTNET_ENVIRONMENT", StringComparison.Ordinal)
           || name.StartsWith("Parameters__", StringComparison.Ordinal) || name.StartsWith("ASPIRE_", StringComparison.Ordinal)
           || name.StartsWith("OTEL_", StringComparison.Ordinal) || name.StartsWith("DOTNET_LAUNCH_PROFILE", StringComparison.Ordinal);

    private static async Task PumpAsync(StreamReader from, Action<string> output)
    {
        while (await from.ReadLineAsync() is { } line)
        {
            output(line);
        }
    }

    private void Signal(string signal)
    {
        try
        {
            _process.StandardInput.WriteLine(signal);
            _process.StandardInput.Flush();
        }
        catch (Exception exception) when (exception is IOException or InvalidOperationException)
        {
            // It ended in the meantime.
        }
    }
}
