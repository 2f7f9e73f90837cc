using SaasLlm.ApiService.Platform;
using SaasLlm.Core.Changes;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Data;
using SaasLlm.Core.Llm;
using SaasLlm.Core.ModelGroups;
using SaasLlm.Core.Organizations;
using SaasLlm.Core.Pricing;
using SaasLlm.Core.Teams;
using SaasLlm.ServiceDefaults;

var builder = WebApplication.CreateBuilder(args);

builder.AddServiceDefaults("saas-llm-api");
builder.AddCoreData();
builder.AddApiPlatform();
builder.Services.AddChanges().AddOrganizations().AddTeams().AddModelGroups()
                .AddLedger().AddPricing().AddGateway().AddLlmCalls();

var app = builder.Build();
app.UseApiPlatform();
app.MapDefaultEndpoints();

await app.RunAsync();
