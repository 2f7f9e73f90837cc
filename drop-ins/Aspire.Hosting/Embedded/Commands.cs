using System.Diagnostics;

namespace Aspire.Hosting.Embedded;

/// <summary>Short commands that are waited for.</summary>
internal static class Commands
{
    /// <summary>setpriv's arguments for running what follows as an unprivileged user.</summary>
    public static string[] As(string user) => [$"--reuid={user}", $"--regid={user}", "--clear-groups", "--"];

    public static async Task<string> RunAsync(
        string program, IEnumerable<string> arguments, CancellationToken cancellation, IReadOnlyDictionary<string, string>? environment = null)
    {
        var (code, output) = await TryAsync(program, arguments, cancellation, environment);
        return code == 0
            ? output
            : throw new DistributedApplicationException($"{Path.GetFileName(program)} failed with exit code {code}: {output.Trim()}");
    }

    public static async Task<(int Code, string Output)> TryAsync(
        string program, IEnumerable<string> arguments, CancellationToken cancellation, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            WorkingDirectory = "/",
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        try
        {
            var error = process.StandardError.ReadToEndAsync(cancellation);
            var output = await process.StandardOutput.ReadToEndAsync(cancellation);
            await process.WaitForExitAsync(cancellation);
            return (process.ExitCode, output + await error);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }
}
