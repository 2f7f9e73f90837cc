using SaasLlm.ApiService.Platform;
using SaasLlm.Core.Data;
using SaasLlm.ServiceDefaults;

var builder = WebApplication.CreateBuilder(args);

builder.AddServiceDefaults("saas-llm-api");
builder.AddCoreData();
builder.AddApiPlatform();
builder.AddFeatures();

var app = builder.Build();
app.UseApiPlatform();
app.MapDefaultEndpoints();

await app.RunAsync();
