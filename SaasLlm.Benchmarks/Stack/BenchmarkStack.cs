using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;

namespace SaasLlm.Benchmarks.Stack;

/// <summary>
/// The whole product for one run, started by its AppHost on data that ends with the run: Postgres (durable, which tests are not),
/// Redis, the simulator as the gateway, the API, the job runner.
/// </summary>
internal sealed class BenchmarkStack : IAsyncDisposable
{
    public const string AdminKey = "admin-key-of-the-benchmarks-0123";
    public const string MasterKey = "sk-master-key-of-the-benchmarks";
    public const string EncryptionKey = "encryption-key-of-the-benchmarks";

    private const string Simulator = "litellm";

    // Durable; and room for pgbench's 256 sessions beside the pools of the API and ours.
    private static readonly string[] s_settings = ["fsync=on", "full_page_writes=on", "max_connections=700"];

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);

    private readonly DistributedApplication _app;

    private BenchmarkStack(DistributedApplication app, string postgres, string redis, Uri? upstream)
    {
        (_app, Postgres, Redis) = (app, postgres, redis);
        Api = app.GetEndpoint("api");
        Gateway = upstream ?? app.GetEndpoint(Simulator);
    }

    /// <summary>The connection string of the product's database.</summary>
    public string Postgres { get; }

    /// <summary>Redis' connection string.</summary>
    public string Redis { get; }

    public Uri Api { get; }

    /// <summary>The simulator, or what stands in its place.</summary>
    public Uri Gateway { get; }

    /// <param name="postgresSettings">Each as <c>name=value</c>.</param>
    public static Task<BenchmarkStack> StartAsync(CancellationToken cancellation, params string[] postgresSettings)
        => StartAsync(null, cancellation, postgresSettings);

    /// <param name="upstream">An OpenAI-compatible server that stands behind the API; null: the simulator.</param>
    /// <param name="cancellation">Ends the start.</param>
    /// <param name="postgresSettings">Each as <c>name=value</c>.</param>
    public static Task<BenchmarkStack> StartAsync(Uri? upstream, CancellationToken cancellation, params string[] postgresSettings)
        => StartAsync(upstream, new Dictionary<string, string>(), cancellation, postgresSettings);

    /// <param name="upstream">As above.</param>
    /// <param name="settings">Environment variables of the API and the job runner.</param>
    /// <param name="cancellation">Ends the start.</param>
    /// <param name="postgresSettings">Each as <c>name=value</c>.</param>
    public static async Task<BenchmarkStack> StartAsync(
        Uri? upstream, IReadOnlyDictionary<string, string> settings, CancellationToken cancellation, params string[] postgresSettings)
    {
        await using var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.SaasLlm_AppHost>(
            [
                "--gateway", upstream?.ToString() ?? "simulator", "--greeting", "false",
                "--Parameters:admin-key", AdminKey,
                "--Parameters:litellm-master-key", MasterKey,
                "--Parameters:gateway-key", MasterKey,
                "--Parameters:encryption-key", EncryptionKey,
            ],
            cancellation);
        builder.CreateResourceBuilder(builder.Resources.OfType<PostgresServerResource>().Single())
            .WithArgs([.. s_settings.Concat(postgresSettings).SelectMany(setting => new[] { "-c", setting })]);
        foreach (var project in builder.Resources.OfType<ProjectResource>())
        {
            var resource = builder.CreateResourceBuilder(project)
                .WithEnvironment("ASPNETCORE_ENVIRONMENT", "Production").WithEnvironment("DOTNET_ENVIRONMENT", "Production");
            foreach (var (name, value) in settings)
            {
                resource.WithEnvironment(name, value);
            }
        }

        var app = await builder.BuildAsync(cancellation);
        try
        {
            await app.StartAsync(cancellation);
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            limit.CancelAfter(s_patience);
            string[] gateway = upstream is null ? [Simulator] : [];
            foreach (var resource in gateway.Concat(["saasllm", "redis", "api"]))
            {
                await app.ResourceNotifications.WaitForResourceHealthyAsync(resource, limit.Token);
            }

            return new(
                app,
                (await app.GetConnectionStringAsync("saasllm", limit.Token))!,
                (await app.GetConnectionStringAsync("redis", limit.Token))!,
                upstream);
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
