using System.Globalization;
using System.Text.Json.Nodes;
using SaasLlm.Benchmarks.Crash.Load;
using SaasLlm.Benchmarks.Crash.Rig;

namespace SaasLlm.Benchmarks.Crash.Checks;

/// <summary>
/// Whether Redis and Postgres agree: in what they do (each API admits exactly what the account can pay) and then in their numbers.
/// </summary>
internal static class RedisChecks
{
    private const decimal Micro = 1_000_000;
    private const int TriesMax = 5;

    private static readonly TimeSpan s_pushPatience = TimeSpan.FromSeconds(15);

    /// <summary>Opens and cancels one job of each team on each API. For when nothing else runs.</summary>
    public static async Task<IReadOnlyList<string>> ProbeAsync(CrashRig rig, Tenants tenants)
    {
        List<string> found = [];
        foreach (var team in tenants.Teams)
        {
            foreach (var api in rig.Apis)
            {
                var account = await ReadAsync(rig, team.TeamId);
                var answer = await OpenAsync(api, team);
                if (answer.Status != (account.CanPay ? 200 : 402))
                {
                    found.Add($"admission is wrong: {team.TeamId} has {account}, and a job is answered {answer}");
                }

                if (answer.IsOk && await api.PostAsync($"/api/jobs/{answer.Body!["job_id"]}/cancel", team.Key) is { IsOk: false } kept)
                {
                    found.Add($"probe could not be cancelled: {team.TeamId}: {kept}");
                }
            }
        }

        return found;
    }

    /// <summary>Compares each balance in Redis with its account. A balance that Redis does not have is no difference: the next job brings it.</summary>
    public static async Task<IReadOnlyList<string>> CompareAsync(CrashRig rig, Tenants tenants)
    {
        var until = Environment.TickCount64 + (long)s_pushPatience.TotalMilliseconds;
        while (true)
        {
            List<string> found = [];
            foreach (var team in tenants.Teams)
            {
                if (await DifferenceAsync(rig, team.TeamId) is { } difference)
                {
                    found.Add($"Redis is not Postgres: {difference}");
                }
            }

            // Pushes that nobody waits for may be under way.
            if (found.Count == 0 || Environment.TickCount64 > until)
            {
                return found;
            }

            await Task.Delay(100);
        }
    }

    // A pooled connection that Postgres has ended is noticed with its next use: that one is refused, to be tried again.
    private static async Task<ApiAnswer> OpenAsync(ApiCaller api, LoadTeam team)
    {
        for (var tries = 1; ; tries++)
        {
            var answer = await api.PostAsync("/api/jobs/create", team.Key, new JsonObject { ["job_type"] = "probe" });
            if (answer.Status != 503 || tries == TriesMax)
            {
                return answer;
            }
        }
    }

    private static async Task<string?> DifferenceAsync(CrashRig rig, string team)
    {
        var account = await ReadAsync(rig, team);
        var balance = await rig.RedisAdmin.HashAsync($"{{team:{team}}}:balance");
        if (balance.Count == 0)
        {
            return null;
        }

        // What is set aside lives on after its lease until the next job comes by.
        var pending = await rig.RedisAdmin.CountAsync($"{{team:{team}}}:pending", TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());
        var (available, version) = (Number(balance, "available"), Number(balance, "version"));
        return available == account.Available * Micro && pending == 0 && version == account.Version && Number(balance, "held") == account.Held
            ? null
            : $"{team} has {account}; Redis: available {available / Micro}, {pending} jobs set aside, held {balance["held"]}, version {version}";
    }

    private static decimal Number(IReadOnlyDictionary<string, string> balance, string name)
        => decimal.Parse(balance.GetValueOrDefault(name, "-1"), CultureInfo.InvariantCulture);

    private static async Task<Account> ReadAsync(CrashRig rig, string team)
    {
        await using var command = rig.Source.CreateCommand("""
            SELECT allocated - used - held, held, CASE budget_mode WHEN 'job_based' THEN credits_per_job ELSE credit_increment END, version,
                   credit_limit - held - CASE WHEN month_start = date_trunc('month', ledger_now() AT TIME ZONE 'utc')::date THEN month_used ELSE 0 END
              FROM team_credits WHERE team_id = $1
            """);
        command.Parameters.Add(new() { Value = team });
        await using var row = await command.ExecuteReaderAsync();
        await row.ReadAsync();
        return new(row.GetDecimal(0), row.GetDecimal(1), row.GetDecimal(2), row.GetInt64(3), row.IsDBNull(4) ? null : row.GetDecimal(4));
    }

    private sealed record Account(decimal Available, decimal Held, decimal Price, long Version, decimal? LeftOfLimit)
    {
        public bool CanPay => Available >= Price && (LeftOfLimit ?? Price) >= Price;
    }
}
