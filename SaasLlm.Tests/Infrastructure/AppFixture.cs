using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using SaasLlm.Tests.Infrastructure;

[assembly: AssemblyFixture(typeof(AppFixture))]

namespace SaasLlm.Tests.Infrastructure;

/// <summary>
/// The AppHost, started once a run and only when a test asks: real Postgres and Redis, the simulator as the gateway, the
/// migrations, the API and the job runner. A missing store is a failure, never a substitute.
/// </summary>
public sealed class AppFixture : IAsyncDisposable
{
    public const string AdminKey = "admin-key-of-the-tests-0123456789";
    public const string MasterKey = "sk-master-key-of-the-tests";
    public const string EncryptionKey = "encryption-key-of-the-tests-0123";

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(5);

    private readonly Lazy<Task<DistributedApplication>> _app;
    private readonly Lazy<Task<Stores>> _stores;
    private readonly Lazy<Task<TestApp>> _product;

    public AppFixture()
    {
        _app = new(StartAsync);
        _stores = new(MakeStoresAsync);
        _product = new(MakeProductAsync);
    }

    /// <summary>Postgres and Redis, up and migrated; says nothing about the API.</summary>
    public Task<Stores> StoresAsync() => _stores.Value;

    /// <summary>Everything, the API healthy.</summary>
    public Task<TestApp> AppAsync() => _product.Value;

    public async ValueTask DisposeAsync()
    {
        if (_app.IsValueCreated && _app.Value.IsCompletedSuccessfully)
        {
            await (await _app.Value).DisposeAsync();
        }
    }

    private static async Task<DistributedApplication> StartAsync()
    {
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.SaasLlm_AppHost>(
            [
                "--gateway", "simulator", "--greeting", "false",
                "--Parameters:admin-key", AdminKey,
                "--Parameters:litellm-master-key", MasterKey,
                "--Parameters:encryption-key", EncryptionKey,
                "--Gateways:nowhere:BaseUrl", "http://127.0.0.1:1/v1", "--Gateways:nowhere:Key", "sk-nowhere",
            ]);
        // Models that fail for one test must not be skipped in another's: the breaker has tests of its own. Nor must a call be let through
        // unlimited because Redis took its time, which on a busy machine it does.
        var api = builder.Resources.OfType<ProjectResource>().Single(resource => resource.Name == "api");
        builder.CreateResourceBuilder(api).WithEnvironment("Gateway__BreakerFailures", "1000").WithEnvironment("Ledger__RedisTimeout", "00:00:05");
        var app = await builder.BuildAsync();
        try
        {
            await app.StartAsync();
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }

        return app;
    }

    // Of the gateway's list: read here, no test's call has to wait for it.
    private static async Task<bool> HasPricesAsync(TestApp product, CancellationToken cancellation)
    {
        using var answer = await product.Operator.PutAsync("/api/prices/import", null, cancellation);
        return answer.IsSuccessStatusCode;
    }

    private async Task<Stores> MakeStoresAsync()
    {
        var app = await _app.Value;
        using var limit = new CancellationTokenSource(s_patience);
        await app.ResourceNotifications.WaitForResourceHealthyAsync("saasllm", limit.Token);
        await app.ResourceNotifications.WaitForResourceHealthyAsync("redis", limit.Token);
        return new Stores(
            (await app.GetConnectionStringAsync("saasllm", limit.Token))!,
            (await app.GetConnectionStringAsync("redis", limit.Token))!);
    }

    private async Task<TestApp> MakeProductAsync()
    {
        var app = await _app.Value;
        var stores = await _stores.Value;
        using var limit = new CancellationTokenSource(s_patience);
        await app.ResourceNotifications.WaitForResourceHealthyAsync("litellm", limit.Token);
        await app.ResourceNotifications.WaitForResourceHealthyAsync("api", limit.Token);
        var product = new TestApp(stores, app.GetEndpoint("api"), app.GetEndpoint("litellm"));
        while (!await HasPricesAsync(product, limit.Token))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100), limit.Token);
        }

        return product;
    }
}
