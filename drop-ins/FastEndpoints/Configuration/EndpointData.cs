using System.Reflection;
using FluentValidation;

namespace FastEndpoints;

/// <summary>The endpoints that were found, with their validators.</summary>
internal sealed class EndpointData
{
    private static readonly string[] s_foreign = ["Microsoft", "System", "FastEndpoints", "FluentValidation", "netstandard", "Npgsql", "OpenTelemetry", "xunit"];

    public EndpointData(EndpointDiscoveryOptions options)
    {
        var assemblies = options.Assemblies ?? [];
        if (!options.DisableAutoDiscovery)
        {
            assemblies = assemblies.Union(AppDomain.CurrentDomain.GetAssemblies());
        }

        var types = assemblies
            .Where(assembly => !assembly.IsDynamic && !s_foreign.Any(name => assembly.FullName!.StartsWith(name, StringComparison.Ordinal)))
            .SelectMany(assembly => assembly.GetTypes())
            .Where(type => type is { IsAbstract: false, IsInterface: false, IsGenericTypeDefinition: false } && options.Filter?.Invoke(type) != false)
            .ToArray();
        var validators = types
            .Where(type => typeof(IEndpointValidator).IsAssignableFrom(type))
            .GroupBy(ValidatedType)
            .ToDictionary(group => group.Key, group => group.ToArray());
        Found = [.. types
            .Where(type => typeof(BaseEndpoint).IsAssignableFrom(type))
            .Select(type => Define(type, validators))];
        if (Found.Count == 0)
        {
            throw new InvalidOperationException("FastEndpoints was unable to find any endpoint declarations!");
        }
    }

    public IReadOnlyList<EndpointDefinition> Found { get; }

    private static EndpointDefinition Define(Type endpoint, Dictionary<Type, Type[]> validators)
    {
        var arguments = Ancestor(endpoint, typeof(Endpoint<,>)).GetGenericArguments();
        var found = validators.GetValueOrDefault(arguments[0], []);
        return new(endpoint, arguments[0], arguments[1])
        {
            ValidatorType = found is [var only] ? only : null,
            FoundDuplicateValidators = found.Length > 1,
            HandlesByExecuting = HandlesByExecuting(endpoint),
        };
    }

    private static bool HandlesByExecuting(Type endpoint)
    {
        var own = endpoint.GetMethods().Where(method => method.DeclaringType?.Assembly != typeof(EndpointData).Assembly).ToArray();
        var handles = own.Any(method => method.Name == "HandleAsync");
        var executes = own.Any(method => method.Name == "ExecuteAsync");
        return handles != executes
            ? executes
            : throw new InvalidOperationException(handles
                ? $"The endpoint [{endpoint.FullName}] has both [HandleAsync] and [ExecuteAsync] methods implemented!"
                : $"The endpoint [{endpoint.FullName}] must implement either [HandleAsync] or [ExecuteAsync] methods!");
    }

    private static Type ValidatedType(Type validator) => Ancestor(validator, typeof(AbstractValidator<>)).GetGenericArguments()[0];

    private static Type Ancestor(Type type, Type generic)
    {
        for (var current = type; current is not null; current = current.BaseType)
        {
            if (current.IsGenericType && current.GetGenericTypeDefinition() == generic)
            {
                return current;
            }
        }

        throw new InvalidOperationException($"{type} does not derive from {generic}.");
    }
}
