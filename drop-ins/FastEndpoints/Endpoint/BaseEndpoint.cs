using System.ComponentModel;
using FluentValidation.Results;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace FastEndpoints;

/// <summary>Marks an endpoint.</summary>
public interface IEndpoint
{
    HttpContext HttpContext { get; }

    List<ValidationFailure> ValidationFailures { get; }

    EndpointDefinition Definition { get; }
}

/// <summary>What all endpoints have.</summary>
public abstract class BaseEndpoint : IEndpoint
{
    public EndpointDefinition Definition { get; internal set; } = null!;

    public HttpContext HttpContext { get; internal set; } = null!;

    public List<ValidationFailure> ValidationFailures { get; } = [];

    /// <summary>States routes, access and documentation; runs once, at start.</summary>
    public virtual void Configure() => throw new NotImplementedException();

    public abstract void Verbs(params string[] methods);

    public abstract void Routes(params string[] patterns);

    /// <summary>A service of the request's scope.</summary>
    public TService Resolve<TService>() where TService : class => HttpContext.RequestServices.GetRequiredService<TService>();

    /// <summary>A service of the request's scope, or null.</summary>
    public TService? TryResolve<TService>() where TService : class => HttpContext.RequestServices.GetService<TService>();

    [EditorBrowsable(EditorBrowsableState.Never)]
    internal abstract Task ExecAsync(CancellationToken ct);
}

/// <summary>A request without content.</summary>
public sealed class EmptyRequest;

/// <summary>A response without content.</summary>
public sealed class EmptyResponse;

/// <summary>Nothing, as a type.</summary>
public readonly struct Void
{
    public static readonly Void Instance;
}
