using Npgsql;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits.Redis;
using SaasLlm.Core.Credits.Writing;

namespace SaasLlm.Core.Credits.Reconciliation;

/// <summary>What came of holding Redis against Postgres.</summary>
/// <param name="Seeded">Balances that were seeded anew.</param>
/// <param name="HoldsRemoved">Holds that Postgres does not know.</param>
/// <param name="Skipped">Teams that Redis did not answer for.</param>
internal sealed record RedisOutcome(IReadOnlyList<Difference> Found, int Seeded, int HoldsRemoved, int Skipped);

/// <summary>Holds what Redis knows of teams against Postgres, and puts Redis right: Postgres is the truth.</summary>
internal sealed class RedisReconciler(
    RedisSweeper sweeper, RedisBalances redis, BalanceReader balances, ReconciliationOptions options, ReconciliationTelemetry telemetry)
{
    // So many calls at once stay within the limit of one.
    private const int AtOnce = 32;

    private const string Accounts = """
        SELECT c.team_id, c.version, c.allocated - c.used - c.held,
               CASE c.budget_mode WHEN 'job_based' THEN c.credits_per_job ELSE c.credit_increment END,
               c.updated_at <= (SELECT ledger_now()) - $4, coalesce(open.jobs, '{}')
          FROM unnest($1) AS wanted(team_id)
          JOIN team_credits c ON c.team_id = wanted.team_id
          LEFT JOIN (
            SELECT j.team_id, array_agg(j.job_id) AS jobs
              FROM unnest($2, $3) AS hold(team_id, job_id)
             CROSS JOIN LATERAL (
               SELECT team_id, job_id FROM jobs WHERE team_id = hold.team_id AND job_id = hold.job_id AND hold_state = 'held' OFFSET 0) j
             GROUP BY j.team_id) open ON open.team_id = c.team_id
        """;

    public async Task<RedisOutcome> ReconcileAsync(NpgsqlConnection connection, IReadOnlyList<string> teams, CancellationToken cancellation)
    {
        var (views, skipped) = await InspectAsync(teams);
        List<Difference> found = [];
        var (seeded, removed) = (0, 0);
        foreach (var account in await ReadAsync(connection, views, cancellation))
        {
            var view = views[account.TeamId];
            Difference[] differences = [.. RedisRules.Judge(account, view)];
            if (differences.Length > 0)
            {
                found.AddRange(differences);
                var (hasSeeded, dropped) = await RepairAsync(account, view, differences);
                (seeded, removed) = (seeded + (hasSeeded ? 1 : 0), removed + dropped);
            }
        }

        return new(found, seeded, removed, skipped);
    }

    private async Task<(Dictionary<string, RedisView> Views, int Skipped)> InspectAsync(IReadOnlyList<string> teams)
    {
        Dictionary<string, RedisView> views = new(StringComparer.Ordinal);
        var skipped = 0;
        foreach (var chunk in teams.Chunk(AtOnce))
        {
            var looks = await Task.WhenAll(chunk.Select(sweeper.InspectAsync));
            foreach (var (team, look) in chunk.Zip(looks))
            {
                skipped += look.IsAnswered ? 0 : 1;
                if (look.View is { } view)
                {
                    views[team] = view;
                }
            }
        }

        return (views, skipped);
    }

    // Accounts and holds in one statement: of the same moment.
    private async Task<List<AccountView>> ReadAsync(
        NpgsqlConnection connection, IReadOnlyDictionary<string, RedisView> views, CancellationToken cancellation)
    {
        var holds = views.SelectMany(view => view.Value.Overdue.Concat(view.Value.Contained), (view, job) => (Team: view.Key, Job: job)).ToList();
        await using var command = new NpgsqlCommand(Accounts, connection)
        {
            Parameters =
            {
                Sql.Value<string[]>([.. views.Keys]),
                Sql.Value<string[]>([.. holds.Select(hold => hold.Team)]),
                Sql.Value<Guid[]>([.. holds.Select(hold => hold.Job.Value)]),
                Sql.Value(options.PushPatience),
            },
        };
        await using var rows = await command.ExecuteReaderAsync(cancellation);
        List<AccountView> accounts = [];
        while (await rows.ReadAsync(cancellation))
        {
            accounts.Add(new(
                rows.GetString(0), rows.GetInt64(1), rows.GetDecimal(2), rows.GetDecimal(3), rows.GetBoolean(4),
                rows.GetFieldValue<Guid[]>(5).Select(job => new JobId(job)).ToHashSet()));
        }

        return accounts;
    }

    private async Task<(bool Seeded, int Removed)> RepairAsync(AccountView account, RedisView view, Difference[] differences)
    {
        var team = account.TeamId;
        var orphans = RedisRules.Orphans(account, view).ToHashSet();
        var removed = orphans.Overlaps(view.Overdue) ? await sweeper.DropOverdueAsync(team, view.Overdue.Where(orphans.Contains)) : 0;
        // A seed brings the holds of Postgres and no others.
        var contained = view.Contained.Count(orphans.Contains);
        var seeded = false;
        if (contained > 0 || differences.Any(difference => difference.Kind != DifferenceKind.RedisHolds))
        {
            var mayBeOlder = differences.Any(difference => difference.Kind == DifferenceKind.RedisAhead);
            seeded = (!mayBeOlder || await sweeper.ForgetAsync(team))
                && await balances.ReadAsync(team) is { } balance && await redis.SeedAsync(balance);
            removed += seeded ? contained : 0;
        }

        if (seeded || removed > 0)
        {
            foreach (var difference in differences)
            {
                telemetry.Repaired(difference.Kind);
            }
        }

        return (seeded, removed);
    }
}
