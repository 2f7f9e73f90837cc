using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Embedded;
using Aspire.Hosting.Eventing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.Testing;

public interface IDistributedApplicationTestingBuilder : IDistributedApplicationBuilder, IAsyncDisposable, IDisposable
{
    Task<DistributedApplication> BuildAsync(CancellationToken cancellationToken = default);
}

/// <summary>Runs an AppHost's entry point inside a test: data of its own, random ports, no dashboard.</summary>
public static class DistributedApplicationTestingBuilder
{
    public static Task<IDistributedApplicationTestingBuilder> CreateAsync<TEntryPoint>(CancellationToken cancellationToken = default)
        where TEntryPoint : class
        => StartAsync(typeof(TEntryPoint), [], cancellationToken);

    public static Task<IDistributedApplicationTestingBuilder> CreateAsync<TEntryPoint>(
        string[] args, CancellationToken cancellationToken = default)
        where TEntryPoint : class
        => StartAsync(typeof(TEntryPoint), args, cancellationToken);

    public static Task<IDistributedApplicationTestingBuilder> CreateAsync(
        Type entryPoint, string[] args, CancellationToken cancellationToken = default)
        => StartAsync(entryPoint, args, cancellationToken);

    private static async Task<IDistributedApplicationTestingBuilder> StartAsync(
        Type entryPoint, string[] args, CancellationToken cancellationToken)
    {
        var interception = new Interception(entryPoint.Assembly);
        var builder = await interception.StartAsync(args).WaitAsync(cancellationToken);
        return new TestingBuilder(builder, interception);
    }

    private sealed class TestingBuilder(DistributedApplicationBuilder inner, Interception interception) : IDistributedApplicationTestingBuilder
    {
        public ConfigurationManager Configuration => inner.Configuration;

        public string AppHostDirectory => inner.AppHostDirectory;

        public IHostEnvironment Environment => inner.Environment;

        public IServiceCollection Services => inner.Services;

        public IDistributedApplicationEventing Eventing => inner.Eventing;

        public DistributedApplicationExecutionContext ExecutionContext => inner.ExecutionContext;

        public IResourceCollection Resources => inner.Resources;

        public IResourceBuilder<T> AddResource<T>(T resource)
            where T : IResource
            => inner.AddResource(resource);

        public IResourceBuilder<T> CreateResourceBuilder<T>(T resource)
            where T : IResource
            => inner.CreateResourceBuilder(resource);

        public DistributedApplication Build() => BuildAsync().GetAwaiter().GetResult();

        public Task<DistributedApplication> BuildAsync(CancellationToken cancellationToken = default)
            => interception.BuildAsync(cancellationToken);

        public void Dispose() => interception.End();

        public ValueTask DisposeAsync()
        {
            interception.End();
            return ValueTask.CompletedTask;
        }
    }
}
