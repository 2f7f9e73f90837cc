using SaasLlm.ApiService.Platform;

var builder = WebApplication.CreateBuilder(args);

builder.AddApiPlatform();

var app = builder.Build();
app.UseApiPlatform();

await app.RunAsync();
