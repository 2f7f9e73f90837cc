using Microsoft.Extensions.Logging;
using Npgsql;

namespace SaasLlm.Core.Credits.Writing;

/// <summary>Where the ledger's connections come from.</summary>
internal sealed class LedgerConnections : IAsyncDisposable
{
    public LedgerConnections(string connectionString, LedgerOptions options, ILoggerFactory loggers)
    {
        var writer = new NpgsqlConnectionStringBuilder(connectionString)
        {
            ApplicationName = "saasllm-ledger",
            CommandTimeout = (int)Math.Ceiling(options.StatementTimeout.TotalSeconds),
            Timeout = 5,
            // Statements prepare themselves with their first use.
            MaxAutoPrepare = 64,
            AutoPrepareMinUsages = 1,
            Pooling = false,
            TcpKeepAlive = true,
            Enlist = false,
        };
        Writer = new NpgsqlDataSourceBuilder(writer.ConnectionString).UseLoggerFactory(loggers).Build();
        Reader = new NpgsqlDataSourceBuilder(connectionString).UseLoggerFactory(loggers).Build();
    }

    /// <summary>For the writer's session.</summary>
    public NpgsqlDataSource Writer { get; }

    /// <summary>For reads beside it.</summary>
    public NpgsqlDataSource Reader { get; }

    public async ValueTask DisposeAsync()
    {
        await Writer.DisposeAsync();
        await Reader.DisposeAsync();
    }
}
