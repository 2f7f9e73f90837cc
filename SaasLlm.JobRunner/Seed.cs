using SaasLlm.Core.Changes;
using SaasLlm.Core.Common;
using SaasLlm.Core.Data;
using SaasLlm.Core.Llm;
using SaasLlm.Core.ModelGroups;
using SaasLlm.Core.Organizations;
using SaasLlm.Core.Teams;

namespace SaasLlm.JobRunner;

/// <summary>The verb <c>seed</c>: writes a scene's data. What is there already stays as it is.</summary>
internal static class Seed
{
    public static async Task<int> RunAsync(string scene, string[] args)
    {
        if (scene != TestingGuideScene.Name)
        {
            await Console.Error.WriteLineAsync($"There is no scene named {scene}; there is {TestingGuideScene.Name}.");
            return 2;
        }

        var builder = Host.CreateApplicationBuilder(args);
        builder.AddCoreData();
        builder.Services.AddChanges().AddOrganizations().AddModelGroups().AddTeams()
            .AddSingleton<ITeamGatewayKeys, GatewayKeysLater>()
            .AddSingleton<TestingGuideScene>();
        using var host = builder.Build();
        return await host.Services.GetRequiredService<TestingGuideScene>().WriteAsync(Console.Out, CancellationToken.None) ? 0 : 1;
    }

    // A verb talks to the stores only: the team's gateway key stays pending, and the loops fetch it.
    private sealed class GatewayKeysLater : ITeamGatewayKeys
    {
        private static readonly Failure s_pending = new(FailureKind.Unavailable, "llm.key_pending", "The team's key is not provisioned yet.");

        public Task<bool> ProvisionAsync(string teamId, CancellationToken cancellation) => Task.FromResult(false);

        public ValueTask<Result<string>> GetAsync(string teamId, CancellationToken cancellation) => new(s_pending);

        public Task<bool> ReplaceAsync(string teamId, string refusedKey, CancellationToken cancellation) => Task.FromResult(false);
    }
}
