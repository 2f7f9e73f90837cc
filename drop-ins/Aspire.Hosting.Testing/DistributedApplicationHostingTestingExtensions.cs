using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;

namespace Aspire.Hosting.Testing;

public static class DistributedApplicationHostingTestingExtensions
{
    public static HttpClient CreateHttpClient(this DistributedApplication app, string resourceName, string? endpointName = default)
    {
        var client = app.Services.GetRequiredService<IHttpClientFactory>().CreateClient();
        client.BaseAddress = app.GetEndpoint(resourceName, endpointName);
        return client;
    }

    public static ValueTask<string?> GetConnectionStringAsync(
        this DistributedApplication app, string resourceName, CancellationToken cancellationToken = default)
        => Find(app, resourceName) is IResourceWithConnectionString resource
            ? resource.GetConnectionStringAsync(cancellationToken)
            : throw new ArgumentException($"Resource '{resourceName}' does not expose a connection string.", nameof(resourceName));

    public static Uri GetEndpoint(this DistributedApplication app, string resourceName, string? endpointName = default)
        => Find(app, resourceName) is IResourceWithEndpoints resource
            && new EndpointReference(resource, endpointName ?? "http") is { IsAllocated: true } endpoint
                ? new Uri(endpoint.Url)
                : throw new ArgumentException(
                    $"Endpoint '{endpointName}' for resource '{resourceName}' not found.", nameof(endpointName));

    private static IResource Find(DistributedApplication app, string resourceName)
        => app.Services.GetRequiredService<DistributedApplicationModel>().Resources
            .FirstOrDefault(resource => string.Equals(resource.Name, resourceName, StringComparison.OrdinalIgnoreCase))
           ?? throw new ArgumentException($"Resource '{resourceName}' not found.", nameof(resourceName));
}
