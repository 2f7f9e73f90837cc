using SaasLlm.Core.Background;
using SaasLlm.Core.Changes;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Credits.Reconciliation;
using SaasLlm.Core.Idempotency;
using SaasLlm.Core.Jobs;
using SaasLlm.Core.Jobs.Background;
using SaasLlm.Core.Llm;
using SaasLlm.Core.ModelGroups;
using SaasLlm.Core.Organizations;
using SaasLlm.Core.Pricing;
using SaasLlm.Core.Teams;
using SaasLlm.Core.Usage;
using SaasLlm.Core.Webhooks;

namespace SaasLlm.ApiService.Platform;

/// <summary>The features this service offers: one list for Program.cs and for the replicas that tests start.</summary>
internal static class Features
{
    public static void AddFeatures(this WebApplicationBuilder builder)
        => builder.Services.AddChanges().AddOrganizations().AddTeams().AddModelGroups().AddCredits()
                           .AddLedger().AddJobs().AddPricing().AddGateway().AddLlmCalls().AddUsage().AddIdempotency()
                           .AddReconciliation().AddTasks().AddBackgroundJobs()
                           .AddWebhooks();
}
