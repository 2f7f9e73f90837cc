using System.Diagnostics;
using SaasLlm.Benchmarks.Crash.Rig;

namespace SaasLlm.Benchmarks.Crash.Faults;

/// <summary>Ways to hurt Redis and Postgres under load. Whoever runs a killed server starts it again: the AppHost does.</summary>
internal static class StoreFaults
{
    private const int FlushesMax = 6;

    /// <summary>Empties Redis a few times.</summary>
    public static async Task FlushAsync(CrashRig rig, Random random, CancellationToken cancellation)
    {
        for (var flushes = random.Next(2, FlushesMax); flushes > 0; flushes--)
        {
            // Who shares Redis with others empties its own database of it.
            await rig.RedisAdmin.ExecuteAsync(rig.Site.OwnsStores ? "FLUSHALL" : "FLUSHDB");
            await Task.Delay(random.Next(50, 400), cancellation);
        }
    }

    /// <summary>Redis forgets the scripts as well.</summary>
    public static async Task FlushScriptsAsync(CrashRig rig, Random random, CancellationToken cancellation)
    {
        await rig.RedisAdmin.ExecuteAsync("SCRIPT", "FLUSH");
        await FlushAsync(rig, random, cancellation);
    }

    /// <summary>Redis dies and starts empty, or with whatever it wrote last.</summary>
    public static async Task KillRedisAsync(CrashRig rig, Random random, CancellationToken cancellation)
    {
        Kill(await rig.RedisAdmin.ProcessIdAsync());
        await RedisIsBackAsync(rig, cancellation);
    }

    /// <summary>Redis comes back with a snapshot that is older than what it has answered since.</summary>
    public static async Task KillRedisAfterSnapshotAsync(CrashRig rig, Random random, CancellationToken cancellation)
    {
        await rig.RedisAdmin.ExecuteAsync("SAVE");
        await Task.Delay(random.Next(300, 1500), cancellation);
        await KillRedisAsync(rig, random, cancellation);
    }

    /// <summary>Redis answers nobody for a while.</summary>
    public static async Task PauseRedisAsync(CrashRig rig, Random random, CancellationToken cancellation)
    {
        var pause = random.Next(800, 2500);
        await rig.RedisAdmin.ExecuteAsync("CLIENT", "PAUSE", pause);
        await Task.Delay(pause, cancellation);
    }

    /// <summary>Every session of the services ends, wherever it is.</summary>
    public static Task EndSessionsAsync(CrashRig rig, Random random, CancellationToken cancellation) => rig.ExecuteAsync("""
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name <> 'crash-checks'
        """);

    /// <summary>SIGKILL to the backend of a ledger writer: Postgres ends all sessions and recovers from its log.</summary>
    public static async Task KillBackendAsync(CrashRig rig, Random random, CancellationToken cancellation)
    {
        await using (var command = rig.Source.CreateCommand(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'saasllm-ledger' LIMIT 1"))
        {
            Kill((int)(await command.ExecuteScalarAsync(cancellation))!);
        }

        await PostgresIsBackAsync(rig, cancellation);
    }

    /// <summary>SIGKILL to the server itself.</summary>
    public static async Task KillPostgresAsync(CrashRig rig, Random random, CancellationToken cancellation)
    {
        await using (var command = rig.Source.CreateCommand("SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int"))
        {
            Kill((int)(await command.ExecuteScalarAsync(cancellation))!);
        }

        await PostgresIsBackAsync(rig, cancellation);
    }

    /// <summary>The clock of money jumps, for every session from now on and at once.</summary>
    public static Func<CrashRig, Random, CancellationToken, Task> ShiftLedgerClock(string by) => async (rig, random, cancellation) =>
    {
        await rig.ExecuteAsync($"DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET saasllm.clock_shift = ''{by}''', current_database()); END $$");
        await EndSessionsAsync(rig, random, cancellation);
        // Ours as well: the checks ask the same clock.
        rig.Source.Clear();
    };

    private static void Kill(int process)
    {
        using var victim = Process.GetProcessById(process);
        victim.Kill();
    }

    private static async Task RedisIsBackAsync(CrashRig rig, CancellationToken cancellation)
    {
        await Task.Delay(TimeSpan.FromMilliseconds(200), cancellation);
        await rig.RedisAdmin.ExecuteAsync("PING");
    }

    private static async Task PostgresIsBackAsync(CrashRig rig, CancellationToken cancellation)
    {
        for (var began = Stopwatch.GetTimestamp(); ;)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(200), cancellation);
            try
            {
                await rig.ExecuteAsync("SELECT 1");
                return;
            }
            catch (Npgsql.NpgsqlException) when (Stopwatch.GetElapsedTime(began) < TimeSpan.FromMinutes(1))
            {
                // Not yet.
            }
        }
    }
}
