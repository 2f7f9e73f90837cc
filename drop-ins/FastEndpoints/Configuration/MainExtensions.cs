using System.Reflection;
using System.Text.Json;
using FluentValidation;
using FluentValidation.Internal;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace FastEndpoints;

/// <summary>Registers and maps the endpoints.</summary>
public static class MainExtensions
{
    private static readonly Lock s_once = new();
    private static bool s_isConfigured;

    /// <summary>Finds the endpoints and validators of the loaded assemblies.</summary>
    public static IServiceCollection AddFastEndpoints(this IServiceCollection services)
        => services.AddFastEndpoints(null);

    /// <summary>Finds the endpoints and validators.</summary>
    public static IServiceCollection AddFastEndpoints(this IServiceCollection services, Action<EndpointDiscoveryOptions>? options)
    {
        var discovery = new EndpointDiscoveryOptions();
        options?.Invoke(discovery);
        services.AddHttpContextAccessor();
        services.AddSingleton(new EndpointData(discovery));
        return services;
    }

    /// <summary>Maps the endpoints.</summary>
    public static IApplicationBuilder UseFastEndpoints(this IApplicationBuilder app, Action<Config>? configAction = null)
    {
        ((IEndpointRouteBuilder)app).MapFastEndpoints(configAction);
        return app;
    }

    /// <summary>Maps the endpoints.</summary>
    public static IEndpointRouteBuilder MapFastEndpoints(this IEndpointRouteBuilder app, Action<Config>? configAction = null)
    {
        lock (s_once)
        {
            if (!s_isConfigured)
            {
                s_isConfigured = true;
                Config.SerializerSettings.Options = new(app.ServiceProvider.GetRequiredService<IOptions<JsonOptions>>().Value.SerializerOptions);
                configAction?.Invoke(new());
                NameFieldsByPolicy();
            }
        }

        EndpointMapper.Map(app);
        return app;
    }

    private static void NameFieldsByPolicy()
    {
        if (!Config.ValidationSettings.UsePropertyNamingPolicy || Config.SerializerSettings.Options.PropertyNamingPolicy is not { } policy)
        {
            return;
        }

        ValidatorOptions.Global.PropertyNameResolver = (_, member, expression) =>
        {
            if (member is null)
            {
                return null;
            }

            var chain = expression is null ? null : PropertyChain.FromExpression(expression);
            return policy.ConvertName(chain?.Count > 0 ? chain.ToString() : member.Name);
        };
    }
}

/// <summary>Where to look for endpoints.</summary>
public sealed class EndpointDiscoveryOptions
{
    /// <summary>Further assemblies to look in.</summary>
    public IEnumerable<Assembly>? Assemblies { internal get; set; }

    /// <summary>Look in <see cref="Assemblies"/> only.</summary>
    public bool DisableAutoDiscovery { internal get; set; }

    /// <summary>Which types to take.</summary>
    public Func<Type, bool>? Filter { internal get; set; }
}
