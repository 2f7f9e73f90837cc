namespace Aspire.Npgsql.EntityFrameworkCore.PostgreSQL;

/// <summary>What <c>AddNpgsqlDbContext</c> and <c>EnrichNpgsqlDbContext</c> read from configuration.</summary>
public class NpgsqlEntityFrameworkCorePostgreSQLSettings
{
    public string? ConnectionString { get; set; }

    public bool DisableRetry { get; set; }

    public bool DisableHealthChecks { get; set; }

    public bool DisableTracing { get; set; }

    public bool DisableMetrics { get; set; }

    /// <summary>Seconds.</summary>
    public int? CommandTimeout { get; set; }
}
