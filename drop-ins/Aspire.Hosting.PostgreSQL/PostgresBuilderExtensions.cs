using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Embedded;
using Aspire.Hosting.Postgres;

namespace Aspire.Hosting;

public static class PostgresBuilderExtensions
{
    public static IResourceBuilder<PostgresServerResource> AddPostgres(
        this IDistributedApplicationBuilder builder,
        string name,
        IResourceBuilder<ParameterResource>? userName = null,
        IResourceBuilder<ParameterResource>? password = null,
        int? port = null)
    {
        var secret = password?.Resource ?? ParameterResourceBuilderExtensions.Generated(
            builder, $"{name}-password", new GenerateParameterDefault { Special = false }, secret: true);
        return builder.AddResource(new PostgresServerResource(name, userName?.Resource, secret))
            .WithAnnotation(new EndpointAnnotation("tcp", "tcp", port, 5432))
            .WithAnnotation(new LauncherAnnotation(new PostgresLauncher()));
    }

    public static IResourceBuilder<PostgresDatabaseResource> AddDatabase(
        this IResourceBuilder<PostgresServerResource> builder, string name, string? databaseName = null)
    {
        builder.Resource.AddDatabase(name, databaseName ?? name);
        return builder.ApplicationBuilder
            .AddResource(new PostgresDatabaseResource(name, databaseName ?? name, builder.Resource))
            .WithAnnotation(new WaitAnnotation(builder.Resource, WaitType.WaitUntilHealthy))
            .WithAnnotation(new LauncherAnnotation(new DatabaseLauncher()));
    }

    /// <summary>Without it the data ends with the run.</summary>
    public static IResourceBuilder<PostgresServerResource> WithDataVolume(
        this IResourceBuilder<PostgresServerResource> builder, string? name = null, bool isReadOnly = false)
        => builder.WithAnnotation(new DataVolumeAnnotation());

    /// <summary>Kept for the model's sake: the machine's own version runs.</summary>
    public static IResourceBuilder<T> WithImageTag<T>(this IResourceBuilder<T> builder, string tag)
        where T : ContainerResource
        => builder;
}
