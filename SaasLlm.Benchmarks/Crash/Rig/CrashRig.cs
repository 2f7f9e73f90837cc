using System.Diagnostics;
using Npgsql;
using SaasLlm.Benchmarks.Driver;
using StackExchange.Redis;

namespace SaasLlm.Benchmarks.Crash.Rig;

/// <summary>
/// API processes and job runners on a database of their own, with short deadlines and leases, so that what must heal does so in seconds.
/// </summary>
internal sealed class CrashRig : IAsyncDisposable
{
    public const string AdminKey = "admin-key-of-the-crash-matrix-01";

    /// <summary>A job's deadline: what nobody ends is over by then.</summary>
    public static readonly TimeSpan JobLifetime = TimeSpan.FromSeconds(3);

    /// <summary>After its deadline an attempt is abandoned.</summary>
    public static readonly TimeSpan AttemptGrace = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan s_startPatience = TimeSpan.FromSeconds(90);

    private readonly CrashSite _site;
    private readonly Dictionary<Service, ServiceProcess> _processes = [];
    private readonly Dictionary<Service, Uri> _addresses = [];

    private CrashRig(
        CrashSite site, string postgres, string redis, int redisDatabase, IReadOnlyDictionary<string, string> settings, IReadOnlyList<Service> services)
    {
        Services = services;
        (_site, Postgres, RedisDatabase) = (site, postgres, redisDatabase);
        Source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(postgres) { ApplicationName = "crash-checks", MaxPoolSize = 8 }.ConnectionString);
        RedisAdmin = new(redis + ",allowAdmin=true,abortConnect=false");
        var common = new Dictionary<string, string>(settings)
        {
            // Lives are short: starting is what they cost, and what is hot need not be found.
            ["DOTNET_TieredPGO"] = "0",
            ["DOTNET_TC_CallCounting"] = "0",
            ["DOTNET_gcServer"] = "0",
            ["DOTNET_ENVIRONMENT"] = "Testing",
            ["ASPNETCORE_ENVIRONMENT"] = "Testing",
            ["ConnectionStrings__saasllm"] = postgres,
            ["ConnectionStrings__redis"] = redis,
            ["Gateway__Kind"] = "litellm",
            ["Gateway__BaseUrl"] = site.Gateway.ToString().TrimEnd('/'),
            ["Gateway__MasterKey"] = site.MasterKey,
            ["Gateway__AttemptTimeout"] = "00:00:01.5",
            ["Gateway__CallTimeout"] = "00:00:02.5",
            ["Encryption__Key"] = "encryption-key-of-the-crash-matrix",
            ["Access__AdminKey"] = AdminKey,
            ["Jobs__Lifetime"] = JobLifetime.ToString(),
            ["Jobs__AttemptGrace"] = AttemptGrace.ToString(),
            ["Ledger__CompleteWait"] = "00:00:01",
            ["Ledger__ReservationLease"] = "00:00:02",
            ["Ledger__BalanceLife"] = "00:00:08",
            ["Ledger__RedisRest"] = "00:00:00.5",
            ["Idempotency__Lease"] = "00:00:02",
            ["Idempotency__WaitMax"] = "00:00:03",
            ["Idempotency__CallWaitMax"] = "00:00:03",
        };
        foreach (var service in services)
        {
            var own = new Dictionary<string, string>(common);
            if (!service.IsJobRunner())
            {
                _addresses[service] = new($"http://127.0.0.1:{FreePort.Find()}");
                own["ASPNETCORE_URLS"] = _addresses[service].ToString();
            }

            _processes[service] = new(service.ToString(), service.IsJobRunner() ? "SaasLlm.JobRunner.dll" : "SaasLlm.ApiService.dll", own);
        }

        Apis = [.. _addresses.Values.Select(address => new ApiCaller(address))];
    }

    public IReadOnlyList<Service> Services { get; }

    /// <summary>The connection string of the rig's database.</summary>
    public string Postgres { get; }

    public int RedisDatabase { get; }

    /// <summary>For checks and faults, beside the processes.</summary>
    public NpgsqlDataSource Source { get; }

    public RedisAdmin RedisAdmin { get; }

    public CrashSite Site => _site;

    public IReadOnlyList<ApiCaller> Apis { get; }

    public ServiceProcess this[Service service] => _processes[service];

    /// <summary>The stores, and no process yet.</summary>
    /// <param name="settings">For every process, for example another connection string.</param>
    /// <param name="services">Null: two APIs and a job runner.</param>
    public static async Task<CrashRig> CreateAsync(
        CrashSite site, IReadOnlyDictionary<string, string> settings, CancellationToken cancellation, IReadOnlyList<Service>? services = null)
    {
        var (postgres, redis, number) = await site.CreateStoresAsync(cancellation);
        return new(site, postgres, redis, number, settings, services ?? [Service.ApiA, Service.ApiB, Service.JobRunner]);
    }

    /// <summary>Starts what does not run, or runs with other orders, and waits until the APIs answer.</summary>
    /// <param name="orders">What is configured for the coming life of a process, for example a failpoint.</param>
    public async Task StartAsync(IReadOnlyDictionary<Service, IReadOnlyDictionary<string, string>> orders, CancellationToken cancellation)
    {
        foreach (var (service, process) in _processes)
        {
            if (process.HasExited || !process.RunsWith(orders[service]))
            {
                await process.KillAsync();
                process.Start(orders[service]);
            }
        }

        await WaitUntilReadyAsync(cancellation);
    }

    /// <summary>Starts one that ended, without waiting for it.</summary>
    public void Restart(Service service, IReadOnlyDictionary<string, string> order) => _processes[service].Start(order);

    /// <summary>Waits until the APIs answer, or died on the way, as their next failpoints may have it.</summary>
    public async Task WaitUntilReadyAsync(CancellationToken cancellation)
    {
        foreach (var (service, address) in _addresses)
        {
            using var http = new HttpClient { BaseAddress = address, Timeout = TimeSpan.FromSeconds(2) };
            var began = Stopwatch.GetTimestamp();
            while (!_processes[service].HasExited && !await IsReadyAsync(http, cancellation))
            {
                if (Stopwatch.GetElapsedTime(began) > s_startPatience)
                {
                    throw new InvalidOperationException(
                        $"{service} did not start:{Environment.NewLine}{string.Join(Environment.NewLine, _processes[service].Output)}");
                }

                await Task.Delay(50, cancellation);
            }
        }
    }

    public async Task ExecuteAsync(string sql)
    {
        await using var command = Source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes.Values)
        {
            await process.DisposeAsync();
        }

        foreach (var api in Apis)
        {
            api.Dispose();
        }

        RedisAdmin.Dispose();
        await Source.DisposeAsync();
        await _site.DropAsync(new NpgsqlConnectionStringBuilder(Postgres).Database!);
    }

    private static async Task<bool> IsReadyAsync(HttpClient http, CancellationToken cancellation)
    {
        try
        {
            using var answer = await http.GetAsync(new Uri("/alive", UriKind.Relative), cancellation);
            return answer.IsSuccessStatusCode;
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException && !cancellation.IsCancellationRequested)
        {
            return false;
        }
    }
}
