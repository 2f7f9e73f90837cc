using Npgsql;
using SaasLlm.Core.Common;

namespace SaasLlm.Core.Usage;

/// <summary>Adds up a month from the tables themselves: jobs by when they were opened, calls by when they were made, credits from the ledger.</summary>
public sealed class UsageReader(NpgsqlDataSource database)
{
    // The ids begin with the time, so they choose the index range and the partition; the clocks that made them may be off, hence the day around.
    private const string Jobs = """
        SELECT status, job_type, count(*) FROM jobs
         WHERE team_id = ANY ($1) AND job_id >= uuid7_floor($2 - interval '1 day') AND job_id < uuid7_floor($3 + interval '1 day')
           AND created_at >= $2 AND created_at < $3 GROUP BY status, job_type
        """;

    private const string Credits = """
        SELECT coalesce(-sum(amount), 0) FROM credit_transactions
         WHERE team_id = ANY ($1) AND kind IN ('deduction', 'refund') AND created_at >= $2 AND created_at < $3
        """;

    private const string Calls = """
        SELECT model_group, resolved_model, status, count(*), sum(input_tokens)::bigint, sum(output_tokens)::bigint,
               coalesce(sum(client_cost_usd), 0), coalesce(sum(provider_cost_usd), 0), count(*) FILTER (WHERE provider_cost_usd IS NULL)
          FROM llm_calls
         WHERE team_id = ANY ($1) AND call_id >= uuid7_floor($2 - interval '1 day') AND call_id < uuid7_floor($3 + interval '1 day')
           AND ended_at >= $2 AND ended_at < $3
         GROUP BY model_group, resolved_model, status
        """;

    /// <summary>One team's month. 404 <c>team.not_found</c>.</summary>
    public async Task<Result<UsageReport>> OfTeamAsync(string teamId, UsagePeriod period, CancellationToken cancellation)
        => await TeamsAsync("SELECT team_id FROM teams WHERE team_id = $1", teamId, cancellation) is { Length: > 0 } teams
            ? await ReadAsync(teams, period, cancellation)
            : new Failure(FailureKind.NotFound, "team.not_found", "There is no such team.");

    /// <summary>The month of all teams of an organization. 404 <c>organization.not_found</c>.</summary>
    public async Task<Result<UsageReport>> OfOrganizationAsync(string organizationId, UsagePeriod period, CancellationToken cancellation)
    {
        var found = await TeamsAsync("SELECT organization_id FROM organizations WHERE organization_id = $1", organizationId, cancellation);
        return found.Length == 0
            ? new Failure(FailureKind.NotFound, "organization.not_found", "There is no such organization.")
            : await ReadAsync(
                await TeamsAsync("SELECT team_id FROM teams WHERE organization_id = $1", organizationId, cancellation), period, cancellation);
    }

    private async Task<UsageReport> ReadAsync(string[] teams, UsagePeriod period, CancellationToken cancellation)
    {
        var jobs = await RowsAsync(Jobs, teams, period, row => (Status: row.GetString(0), Type: row.GetString(1), Count: row.GetInt64(2)), cancellation);
        var credits = await RowsAsync(Credits, teams, period, row => row.GetDecimal(0), cancellation);
        var calls = await RowsAsync(Calls, teams, period, CallRow.Read, cancellation);
        return new(
            period.From,
            period.Until,
            jobs.GroupBy(job => job.Status).ToDictionary(group => group.Key, group => group.Sum(job => job.Count)),
            jobs.GroupBy(job => job.Type).ToDictionary(group => group.Key, group => group.Sum(job => job.Count)),
            credits[0],
            calls.Where(call => call.Succeeded).Sum(call => call.Calls),
            calls.Where(call => !call.Succeeded).Sum(call => call.Calls),
            calls.Sum(call => call.InputTokens),
            calls.Sum(call => call.OutputTokens),
            calls.Sum(call => call.ClientCostUsd),
            calls.Sum(call => call.ProviderCostUsd),
            calls.Sum(call => call.UnknownCost),
            [.. calls.GroupBy(call => call.Group).OrderBy(group => group.Key, StringComparer.Ordinal).Select(group => new GroupUsage(
                group.Key, group.Sum(call => call.Calls), group.Where(call => !call.Succeeded).Sum(call => call.Calls),
                group.Sum(call => call.InputTokens + call.OutputTokens), group.Sum(call => call.ClientCostUsd)))],
            [.. calls.Where(call => call.Model is not null).GroupBy(call => call.Model!).OrderBy(group => group.Key, StringComparer.Ordinal)
                .Select(group => new ModelUsage(
                    group.Key, group.Sum(call => call.Calls), group.Sum(call => call.InputTokens + call.OutputTokens),
                    group.Sum(call => call.ProviderCostUsd)))]);
    }

    private async Task<string[]> TeamsAsync(string sql, string id, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand(sql);
        command.Parameters.Add(new() { Value = id });
        await using var rows = await command.ExecuteReaderAsync(cancellation);
        var teams = new List<string>();
        while (await rows.ReadAsync(cancellation))
        {
            teams.Add(rows.GetString(0));
        }

        return [.. teams];
    }

    private async Task<List<T>> RowsAsync<T>(string sql, string[] teams, UsagePeriod period, Func<NpgsqlDataReader, T> read, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand(sql);
        command.Parameters.Add(new() { Value = teams });
        command.Parameters.Add(new() { Value = period.From });
        command.Parameters.Add(new() { Value = period.Until });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var rows = new List<T>();
        while (await reader.ReadAsync(cancellation))
        {
            rows.Add(read(reader));
        }

        return rows;
    }

    private sealed record CallRow(
        string Group, string? Model, bool Succeeded, long Calls, long InputTokens, long OutputTokens, decimal ClientCostUsd, decimal ProviderCostUsd, long UnknownCost)
    {
        public static CallRow Read(NpgsqlDataReader row) => new(
            row.GetString(0), row.IsDBNull(1) ? null : row.GetString(1), row.GetString(2) == "succeeded", row.GetInt64(3), row.GetInt64(4),
            row.GetInt64(5), row.GetDecimal(6), row.GetDecimal(7), row.GetInt64(8));
    }
}
