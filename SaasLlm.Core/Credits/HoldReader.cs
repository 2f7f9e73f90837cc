using System.Globalization;
using Npgsql;
using SaasLlm.Core.Common;
using SaasLlm.Core.Teams;

namespace SaasLlm.Core.Credits;

/// <summary>An open job that holds credits.</summary>
/// <param name="CallsRunning">Calls that were sent and have not ended.</param>
public sealed record Hold(
    Guid JobId, string JobType, string? ExternalTaskId, decimal Credits, DateTimeOffset CreatedAt, DateTimeOffset ExpiresAt, int CallsRunning);

/// <summary>Who holds a team's credits.</summary>
/// <param name="Held">By all open jobs.</param>
/// <param name="Available">What a new hold may take.</param>
public sealed record TeamHolds(decimal Held, decimal Available, Page<Hold> Page);

/// <summary>Reads who holds what, from Postgres, in one snapshot.</summary>
public sealed class HoldReader(NpgsqlDataSource database)
{
    private const string Sql = """
        SELECT c.held, c.allocated - c.used - c.held, h.job_id, h.job_type, h.external_task_id, h.hold_amount, h.created_at, h.deadline_at, h.running
          FROM team_credits c
          LEFT JOIN LATERAL (
            SELECT j.job_id, j.job_type, j.external_task_id, j.hold_amount, j.created_at, j.deadline_at,
                   (SELECT count(DISTINCT a.call_id) FROM llm_attempts a
                     WHERE a.team_id = j.team_id AND a.job_id = j.job_id AND a.status = 'running' AND a.deadline_at > ledger_now()) AS running
              FROM jobs j
             WHERE j.team_id = c.team_id AND j.hold_state = 'held' AND j.hold_amount > 0 AND (j.deadline_at, j.job_id) > ($2, $3)
             ORDER BY j.deadline_at, j.job_id LIMIT $4) h ON true
         WHERE c.team_id = $1
         ORDER BY h.deadline_at, h.job_id
        """;

    /// <summary>By earliest deadline. 404 <c>team.not_found</c>.</summary>
    public async Task<Result<TeamHolds>> ListAsync(string teamId, PageQuery page, CancellationToken cancellation)
    {
        var after = page.After is { } key && HoldPlace.TryParse(key, out var place) ? place : default;
        await using var command = database.CreateCommand(Sql);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = teamId });
        command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = after.ExpiresAt });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = after.JobId });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = page.Limit + 1 });
        await using var rows = await command.ExecuteReaderAsync(cancellation);
        (decimal Held, decimal Available)? totals = null;
        List<Hold> holds = [];
        while (await rows.ReadAsync(cancellation))
        {
            totals = (rows.GetDecimal(0), rows.GetDecimal(1));
            if (!await rows.IsDBNullAsync(2, cancellation))
            {
                holds.Add(new(
                    rows.GetGuid(2), rows.GetString(3), await rows.IsDBNullAsync(4, cancellation) ? null : rows.GetString(4), rows.GetDecimal(5),
                    rows.GetFieldValue<DateTimeOffset>(6), rows.GetFieldValue<DateTimeOffset>(7), (int)rows.GetInt64(8)));
            }
        }

        return totals is { } total
            ? new TeamHolds(total.Held, total.Available, Page.From(holds, page.Limit, hold => new HoldPlace(hold.ExpiresAt, hold.JobId).ToString()))
            : TeamService.NotFound;
    }
}

/// <summary>Where a hold stands among a team's; as text it is the key of a cursor.</summary>
public readonly record struct HoldPlace(DateTimeOffset ExpiresAt, Guid JobId)
{
    public static bool TryParse(string text, out HoldPlace place)
    {
        place = default;
        if (text.Split(' ') is not [var expires, var job]
            || !long.TryParse(expires, NumberStyles.None, CultureInfo.InvariantCulture, out var ticks) || ticks > DateTimeOffset.MaxValue.UtcTicks
            || !Guid.TryParse(job, out var jobId))
        {
            return false;
        }

        place = new(new(ticks, TimeSpan.Zero), jobId);
        return true;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{ExpiresAt.UtcTicks} {JobId}");
}
