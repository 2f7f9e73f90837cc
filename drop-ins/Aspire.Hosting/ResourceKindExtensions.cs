using System.Reflection;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Embedded;

namespace Aspire.Hosting;

public static class ProjectResourceBuilderExtensions
{
    public static IResourceBuilder<ProjectResource> AddProject<TProject>(this IDistributedApplicationBuilder builder, string name)
        where TProject : IProjectMetadata, new()
        => builder.AddProject<TProject>(name, launchProfileName: null);

    public static IResourceBuilder<ProjectResource> AddProject<TProject>(
        this IDistributedApplicationBuilder builder, string name, string? launchProfileName)
        where TProject : IProjectMetadata, new()
        => builder.AddResource(new ProjectResource(name))
            .WithAnnotation(new ProjectAnnotation(new TProject(), typeof(TProject).Assembly))
            .WithAnnotation(new LauncherAnnotation(new ProjectLauncher()));

    public static IResourceBuilder<ProjectResource> WithReplicas(this IResourceBuilder<ProjectResource> builder, int replicas)
        => replicas == 1 || builder.ApplicationBuilder.ExecutionContext.IsPublishMode
            ? builder
            : throw new DistributedApplicationException(
                $"'{builder.Resource.Name}' asks for {replicas} replicas; the Embedded stack runs one process per project. Start another process of it by hand, on a port of its own.");
}

public static class ContainerResourceBuilderExtensions
{
    public static IResourceBuilder<ContainerResource> AddContainer(this IDistributedApplicationBuilder builder, string name, string image)
        => builder.AddContainer(name, image, "latest");

    public static IResourceBuilder<ContainerResource> AddContainer(
        this IDistributedApplicationBuilder builder, string name, string image, string tag)
        => builder.AddResource(new ContainerResource(name))
            .WithAnnotation(new ImageAnnotation(image, tag))
            .WithAnnotation(new LauncherAnnotation(new ContainerLauncher()));

    /// <summary>Kept for the model's sake: no container is started in this stack.</summary>
    public static IResourceBuilder<T> WithContainerFiles<T>(
        this IResourceBuilder<T> builder,
        string destinationPath,
        IEnumerable<ContainerFileSystemItem> entries,
        int? defaultOwner = null,
        int? defaultGroup = null,
        UnixFileMode? umask = null)
        where T : ContainerResource
        => builder;
}

public static class ParameterResourceBuilderExtensions
{
    public static IResourceBuilder<ParameterResource> AddParameter(
        this IDistributedApplicationBuilder builder, string name, bool secret = false)
        => builder.AddResource(new ParameterResource(name, _ => Configured(builder, name) ?? throw Missing(name), secret));

    public static IResourceBuilder<ParameterResource> AddParameter(
        this IDistributedApplicationBuilder builder, string name, string value, bool publishValueAsDefault = false, bool secret = false)
        => builder.AddResource(new ParameterResource(name, _ => value, secret));

    public static IResourceBuilder<ParameterResource> AddParameter(
        this IDistributedApplicationBuilder builder, string name, ParameterDefault value, bool secret = false, bool persist = false)
        => builder.AddResource(Generated(builder, name, value, secret));

    /// <summary>A parameter from configuration, or a random value that the data folder keeps.</summary>
    internal static ParameterResource Generated(
        IDistributedApplicationBuilder builder, string name, ParameterDefault value, bool secret)
        => new(name, fallback => Configured(builder, name)
            ?? ((DistributedApplicationBuilder)builder).Secrets.GetOrAdd(name, fallback!.GetDefaultValue), secret)
        {
            Default = value,
        };

    private static string? Configured(IDistributedApplicationBuilder builder, string name)
    {
        // An environment variable cannot have a dash in its name.
        var value = builder.Configuration[$"Parameters:{name}"] ?? builder.Configuration[$"Parameters:{name.Replace('-', '_')}"];
        return string.IsNullOrEmpty(value) ? null : value;
    }

    private static DistributedApplicationException Missing(string name) => new(
        $"Parameter resource could not be used because configuration key 'Parameters:{name}' is missing and the Parameter has no default value. Set Parameters__{name.Replace('-', '_')} in the environment.");
}
