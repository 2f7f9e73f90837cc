using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.Credits;

/// <summary>A migrated database of a test class's own, and the run's Redis.</summary>
public sealed class LedgerStores(AppFixture app) : IAsyncLifetime
{
    public AppFixture App => app;

    public string Postgres { get; private set; } = "";

    public string Redis { get; private set; } = "";

    public async ValueTask InitializeAsync()
    {
        var stores = await app.StoresAsync();
        (Postgres, Redis) = (await stores.CreateDatabaseAsync(), stores.Redis);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
