using SaasLlm.Benchmarks.Crash.Rig;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.Crash;

/// <summary>One rig for all rows: starting processes is what a row costs most.</summary>
public sealed class CrashRigFixture(AppFixture fixture) : IAsyncDisposable
{
    private CrashRig? _rig;

    internal async Task<CrashRig> SharedAsync() => _rig ??= await CreateAsync();

    public async ValueTask DisposeAsync()
    {
        if (_rig is not null)
        {
            await _rig.DisposeAsync();
        }
    }

    private async Task<CrashRig> CreateAsync()
    {
        var app = await fixture.AppAsync();
        var site = new CrashSite(app.Stores.Postgres, app.Stores.Redis, app.Simulator, AppFixture.MasterKey, OwnsStores: false);
        return await CrashRig.CreateAsync(site, new Dictionary<string, string>(), default);
    }
}
