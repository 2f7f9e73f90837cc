using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Configuration;
using SaasLlm.AppHost;

var builder = DistributedApplication.CreateBuilder(args);
var runs = builder.ExecutionContext.IsRunMode;

var adminKey = builder.AddSecret("admin-key");
var encryptionKey = builder.AddSecret("encryption-key");

var postgres = builder.AddPostgres("postgres");
var redis = builder.AddRedis("redis");
if (runs)
{
    // Published, a managed store keeps its own data; a volume on Container Apps is a network share, too slow for either.
    postgres.WithDataVolume();
    redis.WithDataVolume();
}

var database = postgres.AddDatabase("saasllm");
var gatewayDatabase = postgres.AddDatabase("litellm-database", "litellm");

// Published outputs make no databases: this run does, and must be through before anything else.
var migrations = builder.AddProject<Projects.SaasLlm_JobRunner>("migrations", launchProfileName: null)
    .WithArgs("migrate")
    .WithReference(database).WithReference(gatewayDatabase, "litellm")
    .WaitFor(database).WaitFor(gatewayDatabase);
if (!runs)
{
    // Container Apps starts a process that ends again, for ever.
    migrations.WithEnvironment("Migrate__StayIdle", "true");
}

var gateway = builder.AddGateway(postgres, gatewayDatabase, migrations);

var api = builder.AddProject<Projects.SaasLlm_ApiService>("api", launchProfileName: null)
    // Published, the platform chooses the port.
    .WithHttpEndpoint(port: runs ? builder.Configuration.GetValue("api-port", 8003) : null, name: "http")
    .WithExternalHttpEndpoints()
    .WithHttpHealthCheck("/health")
    .WithReference(database).WithReference(redis).WithGateway(gateway)
    .WithEnvironment("Access__AdminKey", adminKey)
    .WithEnvironment("Encryption__Key", encryptionKey)
    .WaitFor(database).WaitFor(redis).WaitForCompletion(migrations);

var jobRunner = builder.AddProject<Projects.SaasLlm_JobRunner>("jobrunner", launchProfileName: null)
    .WithReference(database).WithReference(redis).WithGateway(gateway)
    .WithEnvironment("Encryption__Key", encryptionKey)
    .WaitFor(database).WaitFor(redis).WaitForCompletion(migrations);

if (runs)
{
    // Who develops against this has the receiver of webhooks on the same machine.
    foreach (var service in new[] { api, jobRunner })
    {
        service.WithEnvironment("Webhooks__AllowHttp", "true")
            .WithEnvironment("Webhooks__AllowedNetworks__0", "127.0.0.0/8")
            .WithEnvironment("Webhooks__AllowedNetworks__1", "::1/128");
    }
}

// `--seed testing-guide` writes that scene's organization, groups and team; what is there already stays as it is.
if (runs && builder.Configuration["seed"] is { Length: > 0 } scene)
{
    builder.AddProject<Projects.SaasLlm_JobRunner>("seed", launchProfileName: null)
        .WithArgs("seed", scene)
        .WithReference(database).WithReference(redis)
        .WaitFor(redis).WaitForCompletion(migrations);
}

builder.Greet(api, adminKey);

builder.Build().Run();
