using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Credits.Redis;
using SaasLlm.Core.Credits.Writing;
using SaasLlm.Core.Jobs;
using StackExchange.Redis;

namespace SaasLlm.Tests.Credits;

/// <summary>A ledger of its own on a real database: what one API process has. Several on one database are replicas.</summary>
internal sealed class LedgerHarness : IAsyncDisposable
{
    private readonly LedgerConnections _connections;
    private readonly ConnectionMultiplexer _redis;
    private readonly Meters _meters = new();

    /// <param name="redis">Null: there is none.</param>
    /// <param name="isRedisUp">False: it is there, and not to be reached yet.</param>
    public LedgerHarness(string postgres, string? redis, Action<LedgerOptions>? configure = null, bool isRedisUp = true)
    {
        configure?.Invoke(Options);
        var telemetry = new LedgerTelemetry(_meters);
        _connections = new(postgres, Options, NullLoggerFactory.Instance);
        var redisOptions = ConfigurationOptions.Parse(redis ?? "127.0.0.1:1");
        redisOptions.AbortOnConnectFail = false;
        redisOptions.ConnectTimeout = redis is not null && isRedisUp ? 10_000 : 500;
        redisOptions.SyncTimeout = redis is null ? 250 : 60_000;
        _redis = ConnectionMultiplexer.Connect(redisOptions);
        Assert.True(redis is null || !isRedisUp || SpinWait.SpinUntil(() => _redis.IsConnected, Infrastructure.Eventually.Patience), "Redis is not there");
        Balances = new(_connections.Reader);
        Redis = new(_redis, new RedisGuard(TimeProvider.System, Options.RedisTimeout, Options.RedisRest, telemetry), Options);
        Reservations = new Reservations(Redis, Balances, Options, telemetry, TimeProvider.System);
        Writer = new(_connections, Reservations, Options, telemetry, TimeProvider.System, NullLogger<LedgerWriter>.Instance);
        Ledger = new Ledger(Writer, Reservations, Balances, Options, telemetry, TimeProvider.System);
        Source = _connections.Reader;
    }

    /// <summary>
    /// The product gives up early what it can do without. Here nothing is given up, forgotten or doubted because the machine is busy:
    /// a test of such a limit sets it.
    /// </summary>
    public LedgerOptions Options { get; } = new()
    {
        CompleteWait = TimeSpan.FromMinutes(1),
        StatementTimeout = TimeSpan.FromMinutes(2),
        LockTimeout = TimeSpan.FromMinutes(1),
        LookUpPatience = TimeSpan.FromMinutes(1),
        RedisTimeout = TimeSpan.FromSeconds(30),
        ReservationLease = TimeSpan.FromMinutes(5),
        BalanceLife = TimeSpan.FromMinutes(10),
        RefusalAgeMax = TimeSpan.FromMinutes(1),
    };

    public ILedger Ledger { get; }

    public LedgerWriter Writer { get; }

    public RedisBalances Redis { get; }

    public Reservations Reservations { get; }

    public BalanceReader Balances { get; }

    public NpgsqlDataSource Source { get; }

    public IDatabase RedisDatabase => _redis.GetDatabase();

    /// <summary>A team with an account that was topped up once.</summary>
    public async Task<string> CreateTeamAsync(decimal credits, decimal price = 1, decimal? limit = null)
    {
        var team = $"team_{Guid.NewGuid():N}";
        await ExecuteAsync("INSERT INTO organizations (organization_id, name) VALUES ('org', 'Org') ON CONFLICT DO NOTHING");
        await ExecuteAsync($"INSERT INTO teams (team_id, organization_id, team_alias) VALUES ('{team}', 'org', 'Team')");
        await using var account = Source.CreateCommand("INSERT INTO team_credits (team_id, credits_per_job, credit_limit) VALUES ($1, $2, $3)");
        account.Parameters.Add(new NpgsqlParameter<string> { TypedValue = team });
        account.Parameters.Add(new NpgsqlParameter<decimal> { TypedValue = price });
        account.Parameters.Add(new NpgsqlParameter { Value = (object?)limit ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Numeric });
        await account.ExecuteNonQueryAsync();
        if (credits > 0)
        {
            await AddAsync(team, credits);
        }

        return team;
    }

    public async Task<PostedTransaction> AddAsync(string team, decimal credits)
        => (await Ledger.AddCreditsAsync(new(TransactionId.New(TimeProvider.System), team, credits, "test", new(LotSource.Purchase)), default)).Value;

    public Task<Result<OpenedJob>> OpenAsync(string team, JobId? job = null, TimeSpan? lifetime = null, int maxCalls = 100, string metadata = "{}")
        => Ledger.OpenJobAsync(
            new(job ?? JobId.New(TimeProvider.System), team, "test", null, null, metadata, lifetime ?? TimeSpan.FromHours(1), maxCalls), default);

    public async Task<JobId> OpenedAsync(string team) => (await OpenAsync(team)).Value.JobId;

    public Task<Result<ClosedJob>> CloseAsync(string team, JobId job, string status = JobStatus.Completed, string? metadata = null)
        => Ledger.CloseJobAsync(new(team, job, status, null, metadata), default);

    public async Task<StartCall> StartAsync(string team, JobId job, TimeSpan? timeout = null)
    {
        var start = Intent(team, job, timeout);
        Assert.Null((await Ledger.StartCallAsync(start, default)).Failure);
        return start;
    }

    public static StartCall Intent(string team, JobId job, TimeSpan? timeout = null) => new(
        team, job, CallId.New(TimeProvider.System), "ResumeAgent",
        new(AttemptId.New(TimeProvider.System), 1, "gpt-4-turbo", timeout ?? TimeSpan.FromMinutes(1)));

    public Task<Result<Accepted>> EndAsync(StartCall call, string? error = null)
        => Ledger.EndCallAsync(End(call, error), default);

    public static EndCall End(StartCall call, string? error = null) => new(
        call.TeamId, call.JobId, call.CallId, call.ModelGroup, "test",
        Closed(call.Attempt.AttemptId, error is null ? "succeeded" : "failed"),
        1, error is null ? call.Attempt.ModelName : null, error, new(10, 0, 5, 0), 0.001m, 0.0012m, 40, TimeProvider.System.GetUtcNow());

    public static AttemptEnd Closed(AttemptId attempt, string status)
        => new(attempt, status, status == "succeeded" ? "answer" : "model_failed", 200, "up-1", new(10, 0, 5, 0), 0.001m, 40);

    /// <summary>Waits until Redis knows of the team's last commit: an opening is answered before its push arrives.</summary>
    public async Task HeardAsync(string team)
    {
        var version = await ScalarAsync<long>($"SELECT version FROM team_credits WHERE team_id = '{team}'");
        var sweeper = new RedisSweeper(Redis);
        await Infrastructure.Eventually.IsSoAsync(
            async () => (await sweeper.InspectAsync(team)).View is { Missing: 0 } view && view.Version == version, () => $"Redis did not hear of {team}'s version {version}");
    }

    /// <summary>allocated, used, held.</summary>
    public async Task<(decimal Allocated, decimal Used, decimal Held)> AccountAsync(string team)
    {
        await using var command = Source.CreateCommand($"SELECT allocated, used, held FROM team_credits WHERE team_id = '{team}'");
        await using var row = await command.ExecuteReaderAsync();
        Assert.True(await row.ReadAsync());
        return (row.GetDecimal(0), row.GetDecimal(1), row.GetDecimal(2));
    }

    public async Task<T> ScalarAsync<T>(string sql)
    {
        await using var command = Source.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    public async Task ExecuteAsync(string sql)
    {
        await using var command = Source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>What must hold at every commit, read from the tables: an empty list.</summary>
    public async Task<IReadOnlyList<string>> MismatchesAsync()
    {
        await using var command = Source.CreateCommand("""
            SELECT 'account against its transactions: ' || c.team_id FROM team_credits c
              LEFT JOIN (SELECT team_id, sum(amount) AS total, sum(amount) FILTER (WHERE kind NOT IN ('deduction', 'refund')) AS granted
                           FROM credit_transactions GROUP BY team_id) x USING (team_id)
             WHERE c.allocated - c.used <> coalesce(x.total, 0) OR c.allocated <> coalesce(x.granted, 0)
            UNION ALL
            SELECT 'held against open jobs: ' || c.team_id FROM team_credits c
             WHERE c.held <> coalesce((SELECT sum(hold_amount) FROM jobs j WHERE j.team_id = c.team_id AND j.hold_state = 'held'), 0)
            UNION ALL
            SELECT 'chain: ' || team_id || ' ' || sequence FROM (
              SELECT team_id, sequence, credits_before,
                     lag(credits_after, 1, 0::numeric) OVER w AS previous, lag(sequence, 1, 0::bigint) OVER w AS number
                FROM credit_transactions WINDOW w AS (PARTITION BY team_id ORDER BY sequence)) t
             WHERE credits_before <> previous OR sequence <> number + 1
            UNION ALL
            SELECT 'lots against account: ' || c.team_id FROM team_credits c
             LEFT JOIN (SELECT team_id, sum(remaining) AS remaining, sum(reserved) AS reserved FROM credit_lots GROUP BY team_id) l USING (team_id)
             WHERE c.allocated - c.used <> coalesce(l.remaining, 0) OR c.held <> coalesce(l.reserved, 0)
            UNION ALL
            SELECT 'lot against its transactions: ' || l.lot_id FROM credit_lots l
             WHERE l.remaining <> (SELECT sum(u.amount) FROM credit_transactions t, unnest(t.lot_ids, t.lot_amounts) AS u(lot_id, amount)
                                    WHERE t.team_id = l.team_id AND u.lot_id = l.lot_id)
            UNION ALL
            SELECT 'lot against the holds on it: ' || l.lot_id FROM credit_lots l
             WHERE l.reserved <> (SELECT coalesce(sum(u.amount), 0) FROM jobs j, unnest(j.lot_ids, j.lot_amounts) AS u(lot_id, amount)
                                   WHERE j.team_id = l.team_id AND j.hold_state = 'held' AND u.lot_id = l.lot_id)
            UNION ALL
            SELECT 'deduction against job: ' || j.job_id FROM jobs j
              LEFT JOIN credit_transactions x ON x.team_id = j.team_id AND x.job_id = j.job_id AND x.kind = 'deduction'
             WHERE coalesce(-x.amount, 0) <> j.settled_amount
            """);
        await using var rows = await command.ExecuteReaderAsync();
        List<string> found = [];
        while (await rows.ReadAsync())
        {
            found.Add(rows.GetString(0));
        }

        return found;
    }

    public async ValueTask DisposeAsync()
    {
        await Writer.DisposeAsync();
        await _connections.DisposeAsync();
        // What was asked has been answered; to say goodbye would take up to the client's own time-out.
        await _redis.CloseAsync(allowCommandsToComplete: false);
        _redis.Dispose();
        _meters.Dispose();
    }

    private sealed class Meters : IMeterFactory
    {
        private readonly List<Meter> _meters = [];

        public Meter Create(MeterOptions options)
        {
            var meter = new Meter(options);
            _meters.Add(meter);
            return meter;
        }

        public void Dispose() => _meters.ForEach(meter => meter.Dispose());
    }
}
