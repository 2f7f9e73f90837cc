using System.Diagnostics;

namespace SaasLlm.Tests.Sdks;

/// <summary>Programs that a test runs to their end.</summary>
internal static class Programs
{
    public static bool IsOnPath(string name)
        => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Any(folder => File.Exists(Path.Combine(folder, name)) || File.Exists(Path.Combine(folder, name + ".exe")) || File.Exists(Path.Combine(folder, name + ".cmd")));

    /// <summary>What it printed; a failure or a lack of end is one of the test.</summary>
    public static async Task<string> RunAsync(
        string program, IEnumerable<string> arguments, string folder, TimeSpan patience, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        using var limit = new CancellationTokenSource(patience);
        var errors = process.StandardError.ReadToEndAsync(CancellationToken.None);
        var output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{program} did not end within {patience}:{Environment.NewLine}{await output}{await errors}");
        }

        Assert.True(process.ExitCode == 0, $"{program} failed with {process.ExitCode}:{Environment.NewLine}{await output}{await errors}");
        return await output;
    }
}
