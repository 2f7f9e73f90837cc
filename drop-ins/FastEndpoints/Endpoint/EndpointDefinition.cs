using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.Extensions.DependencyInjection;

namespace FastEndpoints;

/// <summary>What an endpoint says of itself; stands in the mapped route's metadata.</summary>
public sealed class EndpointDefinition(Type endpointType, Type requestDtoType, Type responseDtoType)
{
    private ObjectFactory? _factory;
    private Lazy<object>? _validator;

    public Type EndpointType { get; init; } = endpointType;

    public Type ReqDtoType { get; init; } = requestDtoType;

    public Type ResDtoType { get; init; } = responseDtoType;

    public string[] Routes { get; internal set; } = [];

    public string[] Verbs { get; internal set; } = [];

    public string[]? AnonymousVerbs { get; private set; }

    public List<string>? AllowedRoles { get; private set; }

    public List<string>? PreBuiltUserPolicies { get; private set; }

    public object[]? EndpointMetadata { get; private set; }

    public EndpointSummary? EndpointSummary { get; private set; }

    public List<string>? EndpointTags { get; private set; }

    public Type? ValidatorType { get; internal set; }

    public bool DontAutoSend { get; private set; }

    public bool ThrowIfValidationFails { get; private set; } = true;

    internal Action<RouteHandlerBuilder>? UserConfigAction { get; private set; }

    internal bool HandlesByExecuting { get; init; }

    internal bool FoundDuplicateValidators { get; init; }

    internal long? MaxRequestSize { get; private set; }

    public void AllowAnonymous(params Http[] verbs)
        => AnonymousVerbs = verbs.Length > 0 ? [.. verbs.Select(verb => verb.ToString())] : Verbs;

    public void Policies(params string[] policyNames) => (PreBuiltUserPolicies ??= []).AddRange(policyNames);

    public void Roles(params string[] rolesNames) => (AllowedRoles ??= []).AddRange(rolesNames);

    public void Tags(params string[] endpointTags) => (EndpointTags ??= []).AddRange(endpointTags);

    public void Metadata(params object[] metadata) => EndpointMetadata = [.. EndpointMetadata ?? [], .. metadata];

    public void MaxRequestBodySize(long size) => MaxRequestSize = size;

    public void DontAutoSendResponse() => DontAutoSend = true;

    public void DontThrowIfValidationFails() => ThrowIfValidationFails = false;

    public void Options(Action<RouteHandlerBuilder> builder) => UserConfigAction += builder;

    public void Description(Action<RouteHandlerBuilder> builder, bool clearDefaults = false)
        => UserConfigAction += clearDefaults ? ClearDefaults + builder : builder;

    public void Summary(Action<EndpointSummary> endpointSummary)
    {
        EndpointSummary ??= new();
        endpointSummary(EndpointSummary);
    }

    public void Group<TEndpointGroup>() where TEndpointGroup : Group, new() => new TEndpointGroup().Action(this);

    internal void SetSummary(EndpointSummary summary) => EndpointSummary = summary;

    internal void Initialize(HttpContext context, IServiceProvider root)
    {
        if (FoundDuplicateValidators)
        {
            throw new InvalidOperationException($"More than one validator was found for the request dto [{ReqDtoType.FullName}]!");
        }

        // Validators are singletons, with services of the root.
        _validator = ValidatorType is null ? null : new(() => ActivatorUtilities.CreateInstance(root, ValidatorType));
        Create(context).Configure();
    }

    internal BaseEndpoint Create(HttpContext context)
    {
        _factory ??= ActivatorUtilities.CreateFactory(EndpointType, []);
        var endpoint = (BaseEndpoint)_factory(context.RequestServices, null);
        endpoint.Definition = this;
        endpoint.HttpContext = context;
        return endpoint;
    }

    internal object? GetValidator() => _validator?.Value;

    private static void ClearDefaults(RouteHandlerBuilder builder)
        => builder.Add(endpoint =>
        {
            foreach (var item in endpoint.Metadata.Where(item => item is IAcceptsMetadata or IProducesResponseTypeMetadata).ToArray())
            {
                endpoint.Metadata.Remove(item);
            }
        });
}
