using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Embedded;
using Aspire.Hosting.Eventing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting;

public enum DistributedApplicationOperation
{
    Run,
    Publish,
}

public class DistributedApplicationExecutionContext(DistributedApplicationOperation operation)
{
    public DistributedApplicationOperation Operation { get; } = operation;

    public bool IsPublishMode => Operation == DistributedApplicationOperation.Publish;

    public bool IsRunMode => Operation == DistributedApplicationOperation.Run;
}

public class DistributedApplicationException : Exception
{
    public DistributedApplicationException()
    {
    }

    public DistributedApplicationException(string message)
        : base(message)
    {
    }

    public DistributedApplicationException(string message, Exception inner)
        : base(message, inner)
    {
    }
}

public interface IProjectMetadata
{
    string ProjectPath { get; }
}

public interface IDistributedApplicationBuilder
{
    ConfigurationManager Configuration { get; }

    string AppHostDirectory { get; }

    IHostEnvironment Environment { get; }

    IServiceCollection Services { get; }

    IDistributedApplicationEventing Eventing { get; }

    DistributedApplicationExecutionContext ExecutionContext { get; }

    IResourceCollection Resources { get; }

    IResourceBuilder<T> AddResource<T>(T resource)
        where T : IResource;

    IResourceBuilder<T> CreateResourceBuilder<T>(T resource)
        where T : IResource;

    DistributedApplication Build();
}

internal sealed class DistributedApplicationBuilder : IDistributedApplicationBuilder
{
    private readonly HostApplicationBuilder _host;
    private readonly EmbeddedOptions _options;
    private readonly Interception? _interception;

    public DistributedApplicationBuilder(string[] args, Interception? interception)
    {
        _interception = interception;
        var metadata = AppHostMetadata.Read(interception?.AppHost);
        AppHostDirectory = metadata.Directory;
        _options = EmbeddedOptions.Read(args, metadata, testing: interception is not null, out var rest);
        _host = new HostApplicationBuilder(new HostApplicationBuilderSettings
        {
            Args = rest,
            ContentRootPath = AppHostDirectory,
            ApplicationName = metadata.Name,
        });
        // Lowest of all: what the stack answers where nobody has.
        _host.Configuration.Sources.Insert(0, new Microsoft.Extensions.Configuration.Memory.MemoryConfigurationSource { InitialData = metadata.Defaults });
        _host.Logging.AddFilter("Microsoft", LogLevel.Warning).AddFilter("System.Net.Http", LogLevel.Warning);
        _host.Services.Configure<ConsoleLifetimeOptions>(options => options.SuppressStatusMessages = true);
        // Stopping is bounded by each process's own limit.
        _host.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromSeconds(60));
        _host.Services.AddHttpClient();
        ExecutionContext = new DistributedApplicationExecutionContext(
            _host.Configuration["operation"] == "publish" || _host.Configuration["publisher"] is not null
                ? DistributedApplicationOperation.Publish
                : DistributedApplicationOperation.Run);
        Secrets = new SecretStore(_options.Folder, ExecutionContext.IsPublishMode);
        interception?.Configure?.Invoke(this);
    }

    public ConfigurationManager Configuration => _host.Configuration;

    public string AppHostDirectory { get; }

    public IHostEnvironment Environment => _host.Environment;

    public IServiceCollection Services => _host.Services;

    public IDistributedApplicationEventing Eventing { get; } = new DistributedApplicationEventing();

    public DistributedApplicationExecutionContext ExecutionContext { get; }

    public IResourceCollection Resources { get; } = new ResourceCollection();

    internal SecretStore Secrets { get; }

    public IResourceBuilder<T> AddResource<T>(T resource)
        where T : IResource
    {
        Resources.Add(resource);
        return CreateResourceBuilder(resource);
    }

    public IResourceBuilder<T> CreateResourceBuilder<T>(T resource)
        where T : IResource
        => new ResourceBuilder<T>(this, resource);

    public DistributedApplication Build()
    {
        _interception?.HandOver(this);
        return BuildCore();
    }

    internal DistributedApplication BuildCore()
    {
        Services.AddSingleton(Eventing);
        Services.AddSingleton(ExecutionContext);
        Services.AddSingleton(_options);
        Services.AddSingleton(new DistributedApplicationModel(Resources));
        Services.AddSingleton<ResourceNotificationService>();
        Services.AddSingleton<EmbeddedConsole>();
        Services.AddSingleton<Dashboard>();
        Services.AddSingleton<Orchestrator>();
        var app = new DistributedApplication(_host.Build(), _interception);
        _interception?.Built(app);
        return app;
    }
}
