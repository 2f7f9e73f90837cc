using System.Collections.Concurrent;
using Npgsql;
using SaasLlm.Core.Credits.Rules;

namespace SaasLlm.Core.Credits.Redis;

/// <summary>Reads a team's balance with its open holds from Postgres, in one snapshot. Callers of one team share a read.</summary>
internal sealed class BalanceReader(NpgsqlDataSource source)
{
    // A seed names at most so many holds; what it leaves out is cleared by its own push or lease.
    private const int HoldsMax = 1000;

    private const string Sql = """
        SELECT c.version, c.allocated, c.used, c.held, CASE c.budget_mode WHEN 'job_based' THEN c.credits_per_job ELSE c.credit_increment END,
               c.budget_mode = 'job_based', h.jobs, h.amounts, h.deadlines
          FROM team_credits c
          CROSS JOIN LATERAL (
            SELECT coalesce(array_agg(o.job_id), '{}') AS jobs,
                   coalesce(array_agg(o.hold_amount), '{}') AS amounts,
                   coalesce(array_agg(o.deadline_at), '{}') AS deadlines
              FROM (SELECT job_id, hold_amount, deadline_at FROM jobs
                     WHERE team_id = c.team_id AND hold_state = 'held' AND hold_amount > 0
                     ORDER BY deadline_at LIMIT $2) o) h
         WHERE c.team_id = $1
        """;

    private readonly ConcurrentDictionary<string, Lazy<Task<BalancePush?>>> _reads = new(StringComparer.Ordinal);

    /// <summary>Null: no such team.</summary>
    public async Task<BalancePush?> ReadAsync(string teamId)
    {
        var read = _reads.GetOrAdd(teamId, id => new(() => ReadOnceAsync(id)));
        try
        {
            return await read.Value;
        }
        finally
        {
            _reads.TryRemove(new(teamId, read));
        }
    }

    /// <summary>The open holds that end first.</summary>
    public async Task<IReadOnlyList<HoldView>> HoldsAsync(string teamId)
        => [.. (await ReadAsync(teamId))?.Opened.Take(CreditRefusal.HoldsMax) ?? []];

    private async Task<BalancePush?> ReadOnceAsync(string teamId)
    {
        await using var command = source.CreateCommand(Sql);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = teamId });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = HoldsMax });
        await using var reader = await command.ExecuteReaderAsync();
        if (!await reader.ReadAsync())
        {
            return null;
        }

        var (jobs, amounts, deadlines) = (
            reader.GetFieldValue<Guid[]>(6), reader.GetFieldValue<decimal[]>(7), reader.GetFieldValue<DateTimeOffset[]>(8));
        var holds = jobs.Select((job, index) => new HoldView(new(job), amounts[index], deadlines[index]));
        return new(teamId, reader.GetInt64(0), reader.GetInt64(0), reader.GetDecimal(1), reader.GetDecimal(2), reader.GetDecimal(3),
            reader.GetDecimal(4), reader.GetBoolean(5), [.. holds], []);
    }
}
