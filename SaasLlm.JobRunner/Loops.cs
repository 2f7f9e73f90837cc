using SaasLlm.Core.Data;

namespace SaasLlm.JobRunner;

/// <summary>No verb: the background loops, until stopped.</summary>
internal static class Loops
{
    public static async Task<int> RunAsync(string[] args)
    {
        var builder = Host.CreateApplicationBuilder(args);
        builder.AddCoreData();
        await builder.Build().RunAsync();
        return 0;
    }
}
