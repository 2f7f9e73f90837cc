using System.Globalization;
using Npgsql;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits.Writing;

namespace SaasLlm.Core.Usage;

/// <summary>Adds up, by day, what attempts cost whose usage no provider told.</summary>
public sealed class UnmeasuredReader(NpgsqlDataSource database)
{
    // Served by the index of unmeasured attempts alone; measured ones are not looked at.
    private const string Sums = """
        SELECT (ended_at AT TIME ZONE 'utc')::date AS day, count(*),
               count(*) FILTER (WHERE usage_source = 'counted'), count(*) FILTER (WHERE usage_source = 'bounded'), count(*) FILTER (WHERE usage_source = 'unknown'),
               coalesce(sum(cost_low_usd), 0), coalesce(sum(cost_high_usd), 0)
          FROM llm_attempts
         WHERE usage_source <> 'provider' AND ended_at >= $1 AND ended_at < $2
           AND ($3::text IS NULL OR usage_source = $3) AND ($4::text IS NULL OR team_id = $4)
        """;

    /// <summary>Days (UTC) that have such attempts.</summary>
    /// <param name="from">The first day; null is any.</param>
    /// <param name="until">The last day; null is any.</param>
    /// <param name="source">Only this source's; null is all.</param>
    /// <param name="teamId">Only this team's; null is all.</param>
    public async Task<Page<UnmeasuredDay>> ListAsync(
        PageQuery page, DateOnly? from, DateOnly? until, string? source, string? teamId, CancellationToken cancellation)
    {
        var (first, last) = (from ?? DateOnly.MinValue.AddYears(1), until ?? DateOnly.MaxValue.AddDays(-1));
        if (page.After is not null)
        {
            var after = DateOnly.ParseExact(page.After, "yyyy-MM-dd", CultureInfo.InvariantCulture);
            (first, last) = page.Descending ? (first, Earlier(last, after.AddDays(-1))) : (Later(first, after.AddDays(1)), last);
        }

        await using var command = database.CreateCommand($"{Sums} GROUP BY day ORDER BY day {(page.Descending ? "DESC" : "ASC")} LIMIT $5");
        command.Parameters.Add(Sql.Value(Start(first)));
        command.Parameters.Add(Sql.Value(Start(last.AddDays(1))));
        command.Parameters.Add(new NpgsqlParameter<string?> { TypedValue = source, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text });
        command.Parameters.Add(new NpgsqlParameter<string?> { TypedValue = teamId, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text });
        command.Parameters.Add(Sql.Value(page.Limit + 1));
        await using var rows = await command.ExecuteReaderAsync(cancellation);
        var days = new List<UnmeasuredDay>();
        while (await rows.ReadAsync(cancellation))
        {
            days.Add(new(
                rows.GetFieldValue<DateOnly>(0), rows.GetInt64(1), rows.GetInt64(2), rows.GetInt64(3), rows.GetInt64(4), rows.GetDecimal(5), rows.GetDecimal(6)));
        }

        return Page.From(days, page.Limit, day => day.Day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));
    }

    private static DateTimeOffset Start(DateOnly day) => new(day.ToDateTime(TimeOnly.MinValue), TimeSpan.Zero);

    private static DateOnly Earlier(DateOnly one, DateOnly other) => one < other ? one : other;

    private static DateOnly Later(DateOnly one, DateOnly other) => one > other ? one : other;
}

/// <summary>A day's attempts whose usage no provider told, and between what they cost.</summary>
/// <param name="Unknown">Nothing came: they cost between nothing and what their requests allowed.</param>
public sealed record UnmeasuredDay(DateOnly Day, long Attempts, long Counted, long Bounded, long Unknown, decimal CostLowUsd, decimal CostHighUsd);
