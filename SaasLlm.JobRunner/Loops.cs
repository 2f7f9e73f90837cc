using SaasLlm.Core.Background;
using SaasLlm.Core.Changes;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Credits.Reconciliation;
using SaasLlm.Core.Data;
using SaasLlm.Core.Data.Retention;
using SaasLlm.Core.Idempotency;
using SaasLlm.Core.Jobs;
using SaasLlm.Core.Jobs.Background;
using SaasLlm.Core.Llm;
using SaasLlm.Core.Llm.Keys;
using SaasLlm.Core.ModelGroups;
using SaasLlm.Core.Pricing;
using SaasLlm.Core.Teams;
using SaasLlm.Core.Usage;
using SaasLlm.Core.Webhooks;
using SaasLlm.ServiceDefaults;

namespace SaasLlm.JobRunner;

/// <summary>No verb: the background loops, until stopped.</summary>
internal static class Loops
{
    public static async Task<int> RunAsync(string[] args)
    {
        var builder = Host.CreateApplicationBuilder(args);
        builder.AddServiceDefaults();
        builder.AddCoreData();
        builder.Services.AddChanges().AddModelGroups().AddLedger().AddJobPasses().AddCreditPasses().AddReconciliationPass().AddGateway().AddPriceImport()
            .AddUsagePasses().AddRetention().AddBackgroundPass<ProvisionGatewayKeysPass>().AddBackgroundPass<CleanGatewayKeysPass>().AddBackgroundPass<ForgetIdempotencyKeysPass>();
        builder.Services.AddTeams().AddJobs().AddPriceBook().AddLlmCalls().AddBackgroundJobs().AddBackgroundRunner();
        builder.Services.AddWebhookDelivery();
        await builder.Build().RunAsync();
        return 0;
    }
}
