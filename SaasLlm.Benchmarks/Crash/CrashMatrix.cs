using SaasLlm.Benchmarks.Crash.Faults;
using SaasLlm.Benchmarks.Crash.Rig;
using SaasLlm.Benchmarks.Crash.Runners;
using SaasLlm.Core.Failpoints;

namespace SaasLlm.Benchmarks.Crash;

/// <summary>All rows.</summary>
internal static class CrashMatrix
{
    // Once, of all releases, the account forgets to lower what is held. Only where it can pay for that: else a constraint would speak first.
    private const string ForgetOneRelease = """
        CREATE SEQUENCE broken_releases;
        CREATE FUNCTION forget_one_release() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF NEW.held < OLD.held AND NEW.allocated - NEW.used - OLD.held >= 0 THEN
            IF nextval('broken_releases') = 10 THEN
              NEW.held := OLD.held;
            END IF;
          END IF;
          RETURN NEW;
        END $$;
        CREATE TRIGGER forget_one_release BEFORE UPDATE ON team_credits FOR EACH ROW EXECUTE FUNCTION forget_one_release();
        """;

    /// <summary>Makes whole again what <c>broken.release</c> broke.</summary>
    public const string MendRelease = """
        DROP TRIGGER IF EXISTS forget_one_release ON team_credits;
        DROP FUNCTION IF EXISTS forget_one_release;
        DROP SEQUENCE IF EXISTS broken_releases;
        UPDATE team_credits c SET held = (SELECT coalesce(sum(hold_amount), 0) FROM jobs j WHERE j.team_id = c.team_id AND j.hold_state = 'held');
        """;

    private const string LoseOneEvent = """
        CREATE SEQUENCE broken_events;
        CREATE FUNCTION lose_one_event() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF NEW.topic LIKE 'job.%' THEN
            IF nextval('broken_events') = 10 THEN
              RETURN NULL;
            END IF;
          END IF;
          RETURN NEW;
        END $$;
        CREATE TRIGGER lose_one_event BEFORE INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION lose_one_event();
        """;

    private const int StrikesOfSome = 6;

    /// <summary>The failpoints that opening and closing a job passes, and how many hits a second of load brings at least.</summary>
    private static readonly (string Name, int HitMax)[] s_ofApis =
    [
        (FailpointName.KeyClaimed, 20),
        (FailpointName.KeyWorked, 20),
        (FailpointName.KeyStored, 20),
        (FailpointName.AfterReserve, 40),
        (FailpointName.ReleaseReservation, 3),
        (FailpointName.BeforeBegin, 60),
        (FailpointName.AfterLocks, 60),
        (FailpointName.CommitSent, 60),
        (FailpointName.AfterCommit, 60),
        (FailpointName.AfterPush, 60),
        (FailpointName.BeforeUpstream, 15),
        (FailpointName.AfterChunk, 15),
        (FailpointName.AfterUpstream, 15),
        (FailpointName.AfterSettle, 15),
    ];

    private static readonly string[] s_ofJobRunner =
    [
        FailpointName.ExpiryRead, FailpointName.ExpiryClosed, FailpointName.AfterLocks, FailpointName.CommitSent, FailpointName.AfterCommit,
    ];

    public static IReadOnlyList<CrashRow> Rows { get; } =
    [
        .. s_ofApis.Select(point => new CrashRow(
            $"kill.{point.Name}", $"an API dies at {point.Name}", random => [new KillAt(AnyApi(random), point.Name, random.Next(1, point.HitMax + 1))])),
        .. s_ofJobRunner.Select(point => new CrashRow(
            $"kill.jobrunner.{point}", $"the job runner dies at {point}", random => [new KillAt(Service.JobRunner, point, random.Next(1, 3))])),
        new($"kill.{FailpointName.AbandonedMarked}", "an API dies in a call, then the job runner while it marks the attempts", random =>
            [new KillAt(AnyApi(random), FailpointName.BeforeUpstream, random.Next(1, 16)), new KillAt(Service.JobRunner, FailpointName.AbandonedMarked, 1)]),
        new($"kill.{FailpointName.RefillGranted}", "the job runner dies after it granted refills, and again", _ =>
            [new KillAt(Service.JobRunner, FailpointName.RefillGranted, 1), new KillAt(Service.JobRunner, FailpointName.RefillGranted, 1)]),
        new("kill.both", "both APIs die at a commit, one before and one after its reply", random =>
            [new KillAt(Service.ApiA, FailpointName.CommitSent, random.Next(1, 60)), new KillAt(Service.ApiB, FailpointName.AfterCommit, random.Next(1, 60))]),
        new("kill.anywhere", "each process dies at no particular place", random =>
            [new KillAnywhere(AnyApi(random)), new KillAnywhere(Service.JobRunner), new KillAnywhere(AnyApi(random))]),
        new("skip.release", "refused jobs leave their reservations in Redis", _ => [])
        {
            Settings = ForApis(Order(FailpointName.ReleaseReservation, "skip")),
        },
        new("redis.flushall", "Redis is emptied", _ => [new Outage("FLUSHALL", StoreFaults.FlushAsync)]),
        new("redis.forgets_scripts", "Redis is emptied and forgets its scripts", _ => [new Outage("SCRIPT FLUSH", StoreFaults.FlushScriptsAsync)]),
        new("redis.restart", "Redis dies and starts again", _ => [new Outage("kill -9 of Redis", StoreFaults.KillRedisAsync)]) { NeedsOwnStores = true },
        new("redis.old_snapshot", "Redis comes back as it was a while ago", _ => [new Outage("kill -9 of Redis after SAVE", StoreFaults.KillRedisAfterSnapshotAsync)])
        {
            NeedsOwnStores = true,
        },
        new("redis.pause", "Redis answers nobody for a while", _ => [new Outage("CLIENT PAUSE", StoreFaults.PauseRedisAsync)]) { NeedsOwnStores = true },
        new("postgres.sessions", "Postgres ends all sessions", _ => [.. Enumerable.Repeat(new Outage("pg_terminate_backend", StoreFaults.EndSessionsAsync), 3)]),
        new("postgres.backend", "a ledger's backend dies, and Postgres recovers", _ => [new Outage("kill -9 of a backend", StoreFaults.KillBackendAsync)])
        {
            NeedsOwnStores = true,
        },
        new("postgres.restart", "Postgres dies and starts again", _ => [new Outage("kill -9 of Postgres", StoreFaults.KillPostgresAsync)]) { NeedsOwnStores = true },
        new("both.stores", "Postgres and Redis die together", _ =>
            [new Outage("kill -9 of Redis and Postgres", (rig, random, cancellation) => Task.WhenAll(
                StoreFaults.KillRedisAsync(rig, random, cancellation), StoreFaults.KillPostgresAsync(rig, random, cancellation)))])
        {
            NeedsOwnStores = true,
        },
        new("clock.ledger_ahead", "the clock of money jumps an hour ahead", _ => [new Outage("clock_shift 1 hour", StoreFaults.ShiftLedgerClock("1 hour"))]),
        new("clock.ledger_back", "the clock of money jumps an hour back", _ => [new Outage("clock_shift -1 hour", StoreFaults.ShiftLedgerClock("-1 hour"))]),
        new("clock.machine_ahead", "one API's clock is an hour ahead, and it dies", Kill(Service.ApiA))
        {
            Settings = new Dictionary<Service, IReadOnlyDictionary<string, string>> { [Service.ApiA] = Order("machine.clock", "shift:3600000") },
        },
        new("clock.machine_behind", "one API's clock is an hour behind, and it dies", Kill(Service.ApiA))
        {
            Settings = new Dictionary<Service, IReadOnlyDictionary<string, string>> { [Service.ApiA] = Order("machine.clock", "shift:-3600000") },
        },
        new("broken.release", "a broken build: one release of a hold is left out", _ => [])
        {
            BreaksBy = ForgetOneRelease,
            MustFind = "held is not the sum of the open holds",
        },
        .. RunnersRows.Kills,
        RunnersRows.Many,
        new("broken.event", "a broken build: one event is lost", _ => []) { BreaksBy = LoseOneEvent, MustFind = "job's end has not exactly its one event" },
    ];

    /// <summary>The kill rows of opening and closing in one: processes die at one failpoint after the other, at those that the seed chooses; first, a refill.</summary>
    public static CrashRow SomeOfOpenAndClose { get; } = new("kill.some", "some failpoints of opening, calling and closing, one after the other", random =>
    [
        new KillAt(Service.JobRunner, FailpointName.RefillGranted, 1),
        .. s_ofApis.OrderBy(_ => random.Next()).Take(StrikesOfSome)
            .Select((point, index) => new KillAt(index % 2 == 0 ? Service.ApiA : Service.ApiB, point.Name, random.Next(1, Math.Min(point.HitMax, 10) + 1))),
    ]);

    /// <summary>The long matrix, and what only the short one runs.</summary>
    public static IReadOnlyList<CrashRow> All { get; } = [.. Rows, SomeOfOpenAndClose, RunnersRows.Some];

    public static CrashRow Find(string name) => All.Single(row => row.Name == name);

    public static IReadOnlyDictionary<string, string> Order(string failpoint, string mode)
        => new Dictionary<string, string> { [$"{FailpointPlan.Section}__{failpoint}"] = mode };

    private static Dictionary<Service, IReadOnlyDictionary<string, string>> ForApis(IReadOnlyDictionary<string, string> order)
        => new() { [Service.ApiA] = order, [Service.ApiB] = order };

    private static Func<Random, IReadOnlyList<Strike>> Kill(Service service)
        => random => [new KillAt(service, FailpointName.AfterCommit, random.Next(1, 60))];

    private static Service AnyApi(Random random) => random.Next(2) == 0 ? Service.ApiA : Service.ApiB;
}
