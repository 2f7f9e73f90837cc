using Npgsql;
using SaasLlm.Core.Background;

namespace SaasLlm.Core.Data;

/// <summary>Keeps the next months' partitions ready.</summary>
public sealed class PartitionsPass(NpgsqlDataSource source) : IScheduledPass
{
    public TimeSpan Interval => TimeSpan.FromDays(1);

    /// <inheritdoc/>
    public async Task<bool> RunAsync(CancellationToken cancellation)
    {
        await using var command = source.CreateCommand("SELECT ensure_partitions(3)");
        await command.ExecuteNonQueryAsync(cancellation);
        return false;
    }
}
