using System.Globalization;

namespace Aspire.Hosting.ApplicationModel;

public sealed class EndpointAnnotation(string uriScheme, string name, int? port, int? targetPort) : IResourceAnnotation
{
    public string UriScheme { get; } = uriScheme;

    public string Name { get; } = name;

    /// <summary>The fixed port; none is random.</summary>
    public int? Port { get; set; } = port;

    public int? TargetPort { get; set; } = targetPort;

    public bool IsExternal { get; set; }

    /// <summary>The environment variable that carries the port to the process.</summary>
    internal string? PortVariable { get; init; }

    internal int? AllocatedPort { get; set; }
}

public enum EndpointProperty
{
    Url,
    Host,
    IPV4Host,
    Port,
    Scheme,
    TargetPort,
    HostAndPort,
}

public sealed class EndpointReference(IResourceWithEndpoints owner, string endpointName) : IExpressionValue
{
    public IResourceWithEndpoints Resource { get; } = owner;

    public string EndpointName { get; } = endpointName;

    public EndpointAnnotation EndpointAnnotation => Find()
        ?? throw new InvalidOperationException($"The endpoint `{EndpointName}` is not defined for the resource `{Resource.Name}`.");

    public bool Exists => Find() is not null;

    public bool IsAllocated => Find()?.AllocatedPort is not null;

    public string Scheme => EndpointAnnotation.UriScheme;

    /// <summary>Servers listen on IPv4 loopback only; web servers on both.</summary>
    public string Host => Scheme == "http" ? "localhost" : "127.0.0.1";

    public int Port => EndpointAnnotation.AllocatedPort
        ?? throw new InvalidOperationException($"The endpoint `{EndpointName}` is not allocated for the resource `{Resource.Name}`.");

    public string Url => $"{Scheme}://{Host}:{Port.ToString(CultureInfo.InvariantCulture)}";

    public string ValueExpression => $"{{{Resource.Name}.bindings.{EndpointName}.url}}";

    public EndpointReferenceExpression Property(EndpointProperty property) => new(this, property);

    public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default) => ValueTask.FromResult<string?>(Url);

    private EndpointAnnotation? Find() => Resource.Annotations.OfType<EndpointAnnotation>()
        .FirstOrDefault(endpoint => string.Equals(endpoint.Name, EndpointName, StringComparison.OrdinalIgnoreCase));
}

public class EndpointReferenceExpression(EndpointReference endpoint, EndpointProperty property) : IExpressionValue
{
    public EndpointReference Endpoint { get; } = endpoint;

    public EndpointProperty Property { get; } = property;

    // url, host, ipv4Host, hostAndPort: as the manifest writes them.
    public string ValueExpression
        => $"{{{Endpoint.Resource.Name}.bindings.{Endpoint.EndpointName}.{char.ToLowerInvariant(Property.ToString()[0])}{Property.ToString()[1..]}}}";

    public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default)
    {
        var port = Endpoint.Port.ToString(CultureInfo.InvariantCulture);
        return ValueTask.FromResult<string?>(Property switch
        {
            EndpointProperty.Url => Endpoint.Url,
            EndpointProperty.Host => Endpoint.Host,
            EndpointProperty.IPV4Host => "127.0.0.1",
            EndpointProperty.Scheme => Endpoint.Scheme,
            EndpointProperty.HostAndPort => $"{Endpoint.Host}:{port}",
            _ => port,
        });
    }
}
