using Npgsql;
using SaasLlm.Core.Usage;

namespace SaasLlm.Tests.Usage;

/// <summary>The tables read row by row and added up here: what every report must equal.</summary>
internal sealed record RawUsage(IReadOnlyList<RawUsage.Fact> Facts)
{
    public sealed record Fact(string Team, DateTime At, string Group, string Model, string Type, string User, UsageMeasures Measures);

    public static async Task<RawUsage> ReadAsync(NpgsqlDataSource source)
    {
        var lots = (await RowsAsync(source, "SELECT lot_id, granted, cost_basis_usd FROM credit_lots"))
            .ToDictionary(row => (Guid)row[0]!, row => (Granted: (decimal)row[1]!, Paid: (decimal?)row[2]));
        var jobs = await RowsAsync(source, "SELECT team_id, job_id, job_type, user_id, status, created_at, completed_at FROM jobs");
        var known = jobs.ToDictionary(row => (Guid)row[1]!, row => (Type: (string)row[2]!, User: (string?)row[3] ?? ""));
        var facts = jobs.Select(row => new Fact((string)row[0]!, (DateTime)(row[6] ?? row[5])!, "", "", (string)row[2]!, (string?)row[3] ?? "", OfJob((string)row[4]!))).ToList();
        foreach (var row in await RowsAsync(source, """
            SELECT team_id, job_id, ended_at, model_group, resolved_model, status, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, latency_ms,
                   client_cost_usd, provider_cost_usd, cost_low_usd, cost_high_usd FROM llm_calls
            """))
        {
            var (job, failed) = (known[(Guid)row[1]!], (string)row[5]! == "failed" ? 1 : 0);
            facts.Add(new((string)row[0]!, (DateTime)row[2]!, (string)row[3]!, (string?)row[4] ?? "", job.Type, job.User, UsageMeasures.Zero with
            {
                CallsSucceeded = 1 - failed,
                CallsFailed = failed,
                CallsUnknownCost = row[12] is null || (decimal?)row[14] > (decimal?)row[13] ? 1 : 0,
                InputTokens = (long)row[6]!,
                CachedInputTokens = (long)row[7]!,
                OutputTokens = (long)row[8]!,
                ReasoningTokens = (long)row[9]!,
                LatencyMsSum = (int)row[10]!,
                ClientCostUsd = (decimal?)row[11] ?? 0,
                ProviderCostUsd = (decimal?)row[12] ?? (decimal?)row[13] ?? 0,
            }));
        }

        foreach (var row in await RowsAsync(source, "SELECT team_id, job_id, created_at, kind, amount, lot_ids, lot_amounts FROM credit_transactions WHERE kind IN ('deduction', 'refund')"))
        {
            var (job, amount) = (known[(Guid)row[1]!], (decimal)row[4]!);
            var shares = ((Guid[])row[5]!).Zip((decimal[])row[6]!, (lot, part) => (Lot: lots[lot], Part: -part)).ToList();
            facts.Add(new((string)row[0]!, (DateTime)row[2]!, "", "", job.Type, job.User, UsageMeasures.Zero with
            {
                CreditsCharged = amount < 0 ? -amount : 0,
                CreditsRefunded = amount > 0 ? amount : 0,
                CreditsUnpriced = shares.Where(share => share.Lot.Paid is null).Sum(share => share.Part),
                RevenueUsd = shares.Sum(share => Math.Round(share.Part * (share.Lot.Paid ?? 0) / share.Lot.Granted, 10, MidpointRounding.AwayFromZero)),
            }));
        }

        return new(facts);
    }

    /// <summary>The rows of a report.</summary>
    public List<UsageRow> Report(UsageQuery query)
        => [.. Facts
            .Where(fact => fact.At >= query.From.UtcDateTime && fact.At < query.Until.UtcDateTime
                           && (query.Teams is null || query.Teams.Contains(fact.Team)) && (!query.IsOfCalls || fact.Group.Length > 0)
                           && (query.ModelGroup is null || query.ModelGroup == fact.Group) && (query.JobType is null || query.JobType == fact.Type)
                           && (query.UserId is null || query.UserId == fact.User))
            .GroupBy(fact => string.Join('\0', query.GroupBy.Select(dimension => Key(fact, dimension))))
            .OrderBy(group => group.Key, StringComparer.Ordinal)
            .Select(group => new UsageRow(
                [.. query.GroupBy.Select(dimension => Key(group.First(), dimension))],
                group.Aggregate(UsageMeasures.Zero, (sum, fact) => sum + fact.Measures)))];

    private static UsageMeasures OfJob(string status) => status switch
    {
        "completed" => UsageMeasures.Zero with { JobsCompleted = 1 },
        "failed" => UsageMeasures.Zero with { JobsFailed = 1 },
        "cancelled" => UsageMeasures.Zero with { JobsCancelled = 1 },
        "expired" => UsageMeasures.Zero with { JobsExpired = 1 },
        "pending" => UsageMeasures.Zero with { JobsPending = 1 },
        _ => UsageMeasures.Zero with { JobsInProgress = 1 },
    };

    private static string Key(Fact fact, string dimension) => dimension switch
    {
        UsageDimension.Team => fact.Team,
        UsageDimension.ModelGroup => fact.Group,
        UsageDimension.Model => fact.Model,
        UsageDimension.JobType => fact.Type,
        UsageDimension.User => fact.User,
        _ => UsageGrain.Floor(dimension, new(fact.At, TimeSpan.Zero)).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture),
    };

    private static async Task<List<object?[]>> RowsAsync(NpgsqlDataSource source, string sql)
    {
        await using var command = source.CreateCommand(sql);
        await using var rows = await command.ExecuteReaderAsync();
        List<object?[]> read = [];
        while (await rows.ReadAsync())
        {
            var values = new object[rows.FieldCount];
            rows.GetValues(values);
            read.Add([.. values.Select(value => value is DBNull ? null : value)]);
        }

        return read;
    }
}
