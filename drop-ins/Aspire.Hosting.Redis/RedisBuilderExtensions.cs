using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Embedded;
using Aspire.Hosting.Redis;

namespace Aspire.Hosting;

public static class RedisBuilderExtensions
{
    public static IResourceBuilder<RedisResource> AddRedis(this IDistributedApplicationBuilder builder, string name, int? port)
        => builder.AddRedis(name, port, password: null);

    public static IResourceBuilder<RedisResource> AddRedis(
        this IDistributedApplicationBuilder builder, string name, int? port = null, IResourceBuilder<ParameterResource>? password = null)
    {
        var secret = password?.Resource ?? ParameterResourceBuilderExtensions.Generated(
            builder, $"{name}-password", new GenerateParameterDefault { Special = false }, secret: true);
        return builder.AddResource(new RedisResource(name, secret))
            .WithAnnotation(new EndpointAnnotation("tcp", "tcp", port, 6379))
            .WithAnnotation(new LauncherAnnotation(new RedisLauncher()));
    }

    /// <summary>Keeps the data, by snapshots.</summary>
    public static IResourceBuilder<RedisResource> WithDataVolume(
        this IResourceBuilder<RedisResource> builder, string? name = null, bool isReadOnly = false)
        => builder.WithAnnotation(new DataVolumeAnnotation());
}
