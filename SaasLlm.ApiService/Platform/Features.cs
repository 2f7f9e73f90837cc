using SaasLlm.Core.Changes;
using SaasLlm.Core.Credits;
using SaasLlm.Core.ModelGroups;
using SaasLlm.Core.Organizations;
using SaasLlm.Core.Teams;

namespace SaasLlm.ApiService.Platform;

/// <summary>The features this service offers.</summary>
internal static class Features
{
    public static void AddFeatures(this WebApplicationBuilder builder)
        => builder.Services.AddChanges().AddOrganizations().AddModelGroups().AddTeams().AddCredits().AddLedger();
}
