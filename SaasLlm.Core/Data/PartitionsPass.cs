using Npgsql;
using SaasLlm.Core.Background;

namespace SaasLlm.Core.Data;

/// <summary>Keeps the next months' and weeks' partitions ready.</summary>
public sealed class PartitionsPass(NpgsqlDataSource source) : IScheduledPass
{
    /// <summary>Of bodies the 90 days that they are kept at most, and two weeks in which nobody made any.</summary>
    internal const string Sql = "SELECT ensure_partitions(3), ensure_body_partitions(15)";

    public TimeSpan Interval => TimeSpan.FromDays(1);

    /// <inheritdoc/>
    public async Task<bool> RunAsync(CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(Sql);
        await command.ExecuteNonQueryAsync(cancellation);
        return false;
    }
}
