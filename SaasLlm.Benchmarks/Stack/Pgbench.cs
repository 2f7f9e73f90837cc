using System.Diagnostics;
using System.Globalization;
using Npgsql;
using SaasLlm.Benchmarks.Driver;

namespace SaasLlm.Benchmarks.Stack;

/// <summary><c>pgbench -N</c> on the server under test, in a database of its own: what anybody's Postgres does with small transactions.</summary>
internal sealed class Pgbench : IDisposable
{
    private const string Database = "pgbench";

    private readonly NpgsqlConnectionStringBuilder _server;
    private readonly string _program;
    private readonly string _logs = Directory.CreateTempSubdirectory("saasllm-pgbench-").FullName;

    private Pgbench(string postgres, string program) => (_server, _program) = (new(postgres) { Database = Database }, program);

    /// <summary>Makes the tables.</summary>
    public static async Task<Pgbench> PrepareAsync(string postgres, int scale, CancellationToken cancellation)
    {
        await using (var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(postgres) { Database = "postgres", Pooling = false }.ConnectionString))
        {
            await using var create = source.CreateCommand($"CREATE DATABASE {Database}");
            await create.ExecuteNonQueryAsync(cancellation);
        }

        var pgbench = new Pgbench(postgres, await FindAsync(postgres, cancellation));
        await pgbench.RunAsync(["--initialize", "--quiet", "--scale", Text(scale), Database], cancellation);
        return pgbench;
    }

    public async Task<LoopResult> RunAsync(int clients, TimeSpan duration, CancellationToken cancellation)
    {
        foreach (var old in Directory.EnumerateFiles(_logs))
        {
            File.Delete(old);
        }

        // Its time begins before its clients have connected, which takes the server some 10 ms each.
        var seconds = Math.Max(1, (int)Math.Round(duration.TotalSeconds + (clients / 100.0)));
        var output = await RunAsync(
            [
                "--skip-some-updates", "--no-vacuum", "--protocol", "prepared", "--client", Text(clients), "--jobs", Text(Math.Min(2, clients)),
                "--time", Text(seconds), "--log", "--log-prefix", Path.Combine(_logs, "log"), Database,
            ],
            cancellation);

        var latency = new LatencyHistogram();
        foreach (var line in Directory.EnumerateFiles(_logs).SelectMany(File.ReadLines))
        {
            // client, transaction's number, microseconds, …
            latency.Record(TimeSpan.FromMicroseconds(long.Parse(line.Split(' ', 4)[2], CultureInfo.InvariantCulture)));
        }

        // Its rate, which leaves out the time that connecting took.
        return new(latency.Count, Failed: 0, TimeSpan.FromSeconds(latency.Count / Rate(output)), latency);
    }

    public void Dispose() => Directory.Delete(_logs, recursive: true);

    private static double Rate(string output)
    {
        const string Mark = "tps = ";
        var line = output.Split('\n').FirstOrDefault(line => line.StartsWith(Mark, StringComparison.Ordinal))
            ?? throw new InvalidOperationException($"pgbench did not say its rate: {output}");
        return double.Parse(line[Mark.Length..].Split(' ')[0], CultureInfo.InvariantCulture);
    }

    // Beside the server's own programs, else on PATH.
    private static async Task<string> FindAsync(string postgres, CancellationToken cancellation)
    {
        await using var source = NpgsqlDataSource.Create(postgres);
        await using var version = source.CreateCommand("SELECT current_setting('server_version_num')::int / 10000");
        var beside = $"/usr/lib/postgresql/{await version.ExecuteScalarAsync(cancellation)}/bin/pgbench";
        return File.Exists(beside) ? beside : "pgbench";
    }

    private async Task<string> RunAsync(string[] arguments, CancellationToken cancellation)
    {
        var start = new ProcessStartInfo(_program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["PGHOST"] = _server.Host;
        start.Environment["PGPORT"] = Text(_server.Port);
        start.Environment["PGUSER"] = _server.Username;
        start.Environment["PGPASSWORD"] = _server.Password;
        using var process = Process.Start(start)!;
        using var kill = cancellation.Register(process.Kill);
        var errors = process.StandardError.ReadToEndAsync(cancellation);
        var output = await process.StandardOutput.ReadToEndAsync(cancellation);
        await process.WaitForExitAsync(cancellation);
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"pgbench ended with {process.ExitCode}: {await errors}");
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
