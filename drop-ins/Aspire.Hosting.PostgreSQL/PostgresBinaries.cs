using System.Globalization;
using Aspire.Hosting.Embedded;

namespace Aspire.Hosting.Postgres;

/// <summary>The folder with initdb, postgres, psql and pg_isready.</summary>
internal sealed record PostgresBinaries(string Folder)
{
    public string InitDb => Path.Combine(Folder, "initdb");

    public string Server => Path.Combine(Folder, "postgres");

    public string Psql => Path.Combine(Folder, "psql");

    public string IsReady => Path.Combine(Folder, "pg_isready");

    public static async Task<PostgresBinaries> RequireAsync(EmbeddedConsole console, CancellationToken cancellation)
        => new(Path.GetDirectoryName(await Programs.RequireAsync(Find, "PostgreSQL", "postgresql", console, cancellation))!);

    private static string? Find()
    {
        // Debian keeps the server's programs off PATH, one folder a version: the newest.
        const string Debian = "/usr/lib/postgresql";
        var debian = Directory.Exists(Debian) ? Directory.GetDirectories(Debian) : [];
        return debian
            .Where(folder => File.Exists(Path.Combine(folder, "bin", "initdb")))
            .OrderByDescending(folder => double.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var version) ? version : 0)
            .Select(folder => Path.Combine(folder, "bin", "initdb"))
            .FirstOrDefault() ?? Programs.OnPath("initdb");
    }
}
