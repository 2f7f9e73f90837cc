using System.Globalization;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Embedded;

namespace Aspire.Hosting.Postgres;

/// <summary>Makes the database where it is missing.</summary>
internal sealed class DatabaseLauncher : Launcher
{
    public override async Task<LaunchPlan?> PrepareAsync(IResource resource, RunContext run, CancellationToken cancellation)
    {
        var database = (PostgresDatabaseResource)resource;
        var quoted = database.DatabaseName.Replace("'", "''", StringComparison.Ordinal);
        var known = await PsqlAsync(database.Parent, $"SELECT 1 FROM pg_database WHERE datname = '{quoted}'", cancellation);
        if (known.Trim().Length == 0)
        {
            await PsqlAsync(database.Parent, $"CREATE DATABASE \"{database.DatabaseName.Replace("\"", "\"\"", StringComparison.Ordinal)}\"", cancellation);
        }

        return null;
    }

    private static async Task<string> PsqlAsync(PostgresServerResource server, string sql, CancellationToken cancellation)
    {
        var (code, output) = await Commands.TryAsync(
            server.Binaries!.Psql,
            ["-X", "-A", "-t", "-h", "127.0.0.1", "-p", server.PrimaryEndpoint.Port.ToString(CultureInfo.InvariantCulture), "-d", "postgres", "-c", sql],
            cancellation,
            new Dictionary<string, string>
            {
                ["PGUSER"] = (await server.UserNameReference.GetValueAsync(cancellation))!,
                ["PGPASSWORD"] = (await server.PasswordParameter.GetValueAsync(cancellation))!,
            });
        return code switch
        {
            0 => output,
            _ when output.Contains("password authentication failed", StringComparison.Ordinal) => throw new DistributedApplicationException(
                $"Postgres refuses the password of {server.PasswordParameter.Name}: its data was made with another one. Give that one, or start with --fresh."),
            _ => throw new DistributedApplicationException(output.Trim()),
        };
    }
}
