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
            .ToDictionary(group => group.Key, group => group.First());
        Found = [.. types
            .Where(type => typeof(BaseEndpoint).IsAssignableFrom(type))
            .Select(type => Define(type, validators))];
    }

    public IReadOnlyList<EndpointDefinition> Found { get; }

    private static EndpointDefinition Define(Type endpoint, Dictionary<Type, Type> validators)
    {
        var arguments = Ancestor(endpoint, typeof(Endpoint<,>)).GetGenericArguments();
        return new(endpoint, arguments[0], arguments[1]) { ValidatorType = validators.GetValueOrDefault(arguments[0]) };
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
