using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Configuration;

namespace SaasLlm.AppHost;

/// <summary>What stands behind the LLM client.</summary>
/// <param name="Endpoints">LiteLLM's, or the simulator's; none for a plain base URL.</param>
/// <param name="Key">The master key, or the key that is sent to the plain base URL.</param>
internal sealed record Gateway(IReadOnlyList<EndpointReference> Endpoints, string? BaseUrl, IResourceBuilder<ParameterResource> Key)
{
    /// <summary>What a group's model may name instead, from the configuration's <c>Gateways</c>.</summary>
    public IReadOnlyList<NamedGateway> Named { get; init; } = [];
}

/// <param name="Key">Null: none is sent.</param>
internal sealed record NamedGateway(string Name, string BaseUrl, IResourceBuilder<ParameterResource>? Key);

/// <summary><c>--gateway simulator|container|&lt;base url&gt;</c>, and <c>--gateway-replicas n</c> of the container.</summary>
internal static class GatewayExtensions
{
    private const string Name = "litellm";
    private const int ReplicasMax = 16;

    public static Gateway AddGateway(
        this IDistributedApplicationBuilder builder,
        IResourceBuilder<PostgresServerResource> postgres,
        IResourceBuilder<PostgresDatabaseResource> database,
        IResourceBuilder<ProjectResource> migrations)
        => builder.AddCommonGateway(postgres, database, migrations) with { Named = [.. builder.AddNamedGateways()] };

    public static IResourceBuilder<ProjectResource> WithGateway(this IResourceBuilder<ProjectResource> builder, Gateway gateway)
    {
        foreach (var named in gateway.Named)
        {
            builder.WithEnvironment($"Gateways__{named.Name}__BaseUrl", named.BaseUrl);
            if (named.Key is { } key)
            {
                builder.WithEnvironment($"Gateways__{named.Name}__Key", key);
            }
        }

        return builder.WithCommonGateway(gateway);
    }

    private static IEnumerable<NamedGateway> AddNamedGateways(this IDistributedApplicationBuilder builder)
    {
        foreach (var named in builder.Configuration.GetSection("Gateways").GetChildren())
        {
            var key = named["Key"] is { Length: > 0 } given ? builder.AddParameter(ParameterName(named.Key), given, secret: true) : null;
            yield return new(named.Key, named["BaseUrl"] ?? throw new DistributedApplicationException($"{named.Path}:BaseUrl is missing."), key);
        }
    }

    // A gateway's name may hold what a resource's may not: all but letters, digits and single hyphens between them.
    private static string ParameterName(string gateway)
        => $"gateway-{string.Join('-', string.Concat(gateway.Select(c => char.IsAsciiLetterOrDigit(c) ? c : '-')).Split('-', StringSplitOptions.RemoveEmptyEntries))}-key";

    private static Gateway AddCommonGateway(
        this IDistributedApplicationBuilder builder,
        IResourceBuilder<PostgresServerResource> postgres,
        IResourceBuilder<PostgresDatabaseResource> database,
        IResourceBuilder<ProjectResource> migrations)
    {
        var choice = builder.Configuration["gateway"] ?? "container";
        var replicas = builder.Configuration.GetValue("gateway-replicas", 1);
        if (replicas is < 1 or > ReplicasMax || (replicas > 1 && choice != "container"))
        {
            throw new DistributedApplicationException($"--gateway-replicas {replicas}: it is 1 to {ReplicasMax}, and more than one only of --gateway container.");
        }

        if (Uri.TryCreate(choice, UriKind.Absolute, out var url) && url.Scheme is "http" or "https")
        {
            // A server of one's own often wants no key; the parameter may then be any word.
            return new Gateway([], choice.TrimEnd('/'), builder.AddParameter("gateway-key", secret: true));
        }

        var masterKey = builder.AddSecret("litellm-master-key", prefix: "sk-");
        return choice switch
        {
            "simulator" => new Gateway([builder.AddSimulator(masterKey)], null, masterKey),
            "container" => new Gateway(builder.AddLiteLlm(replicas, postgres, database, migrations, masterKey), null, masterKey),
            _ => throw new DistributedApplicationException($"--gateway {choice}: it is simulator, container, or a base URL such as https://api.openai.com/v1."),
        };
    }

    private static IResourceBuilder<ProjectResource> WithCommonGateway(this IResourceBuilder<ProjectResource> builder, Gateway gateway)
    {
        if (gateway.BaseUrl is { } plain)
        {
            return builder.WithEnvironment("Gateway__Kind", "openai").WithEnvironment("Gateway__BaseUrl", plain).WithEnvironment("Gateway__Key", gateway.Key);
        }

        for (var index = 0; index < gateway.Endpoints.Count; index++)
        {
            var setting = index == 0 ? "Gateway__BaseUrl" : $"Gateway__Replicas__{index - 1}";
            builder.WithReference(gateway.Endpoints[index]).WithEnvironment(setting, gateway.Endpoints[index]);
        }

        return builder.WithEnvironment("Gateway__Kind", "litellm").WithEnvironment("Gateway__MasterKey", gateway.Key);
    }

    private static EndpointReference AddSimulator(this IDistributedApplicationBuilder builder, IResourceBuilder<ParameterResource> masterKey)
    {
        var simulator = builder.AddProject<Projects.SaasLlm_LiteLlmSimulator>(Name, launchProfileName: null)
            .WithHttpEndpoint(name: "http")
            .WithHttpHealthCheck("/health/liveliness")
            .WithEnvironment("LITELLM_MASTER_KEY", masterKey);
        if (builder.Configuration["SAASLLM_RECORDINGS"] is { Length: > 0 } folder)
        {
            simulator.WithEnvironment("SAASLLM_RECORDINGS", Path.GetFullPath(folder));
        }

        return simulator.GetEndpoint("http");
    }

    // They share one database; the first one migrates it.
    private static IReadOnlyList<EndpointReference> AddLiteLlm(
        this IDistributedApplicationBuilder builder,
        int replicas,
        IResourceBuilder<PostgresServerResource> postgres,
        IResourceBuilder<PostgresDatabaseResource> database,
        IResourceBuilder<ProjectResource> migrations,
        IResourceBuilder<ParameterResource> masterKey)
    {
        // Encrypts what LiteLLM stores; a changed one makes its database unreadable.
        var saltKey = builder.AddSecret("litellm-salt-key", prefix: "sk-");
        // LiteLLM takes the URL form only, and a password may hold what a URL may not.
        var url = ReferenceExpression.Create(
            $"postgresql://{postgres.Resource.UserNameReference}:{postgres.Resource.PasswordParameter:uri}@{postgres.Resource.PrimaryEndpoint.Property(EndpointProperty.HostAndPort)}/{database.Resource.DatabaseName}");
        var configuration = File.ReadAllText(Path.Combine(builder.AppHostDirectory, "litellm.config.yaml"));

        var first = Add(Name).WithEnvironment("DISABLE_SCHEMA_UPDATE", "false");
        var others = Enumerable.Range(2, replicas - 1)
            .Select(number => Add($"{Name}-{number}").WithEnvironment("DISABLE_SCHEMA_UPDATE", "true").WaitFor(first));
        return [.. others.Prepend(first).Select(container => container.GetEndpoint("http"))];

        IResourceBuilder<ContainerResource> Add(string name) => builder.AddContainer(name, "ghcr.io/berriai/litellm", "v1.106.11")
            .WithContainerFiles("/app", [new ContainerFile { Name = "config.yaml", Contents = configuration }])
            .WithArgs("--config", "/app/config.yaml", "--port", "4000")
            .WithHttpEndpoint(targetPort: 4000, name: "http")
            .WithHttpHealthCheck("/health/liveliness")
            .WithEnvironment("LITELLM_MASTER_KEY", masterKey)
            .WithEnvironment("LITELLM_SALT_KEY", saltKey)
            .WithEnvironment("DATABASE_URL", url)
            .WithEnvironment("STORE_MODEL_IN_DB", "True")
            .WithEnvironment("LITELLM_MODE", "PRODUCTION")
            // Without it the start waits for a price list from the internet.
            .WithEnvironment("LITELLM_LOCAL_MODEL_COST_MAP", "True")
            .WaitForCompletion(migrations);
    }
}
