using Microsoft.Extensions.Logging;
using Npgsql;

namespace SaasLlm.Core.Jobs.Background;

/// <summary>Connections whose plans stay on the indexes, however small or new the tables are.</summary>
internal sealed class BackgroundDatabase : IAsyncDisposable
{
    public BackgroundDatabase(string connectionString, ILoggerFactory loggers)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString)
        {
            ApplicationName = "saasllm-background",
            Options = "-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c jit=off",
            MaxAutoPrepare = 64,
            AutoPrepareMinUsages = 2,
            NoResetOnClose = true,
            Enlist = false,
        };
        Source = new NpgsqlDataSourceBuilder(settings.ConnectionString).UseLoggerFactory(loggers).Build();
    }

    public NpgsqlDataSource Source { get; }

    public ValueTask DisposeAsync() => Source.DisposeAsync();
}
