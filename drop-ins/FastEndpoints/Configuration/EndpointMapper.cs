using System.Reflection;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.Extensions.DependencyInjection;

namespace FastEndpoints;

/// <summary>Maps each endpoint as a route handler, so that its metadata reaches routing, authorization and OpenAPI.</summary>
internal static class EndpointMapper
{
    public static void Map(IEndpointRouteBuilder app)
    {
        var mapped = new HashSet<string>();
        foreach (var definition in app.ServiceProvider.GetRequiredService<EndpointData>().Found)
        {
            using (var scope = app.ServiceProvider.CreateScope())
            {
                definition.Initialize(new DefaultHttpContext { RequestServices = scope.ServiceProvider }, app.ServiceProvider);
            }

            if (Config.EndpointSettings.Filter?.Invoke(definition) == false)
            {
                continue;
            }

            if (definition.Verbs.Length == 0)
            {
                throw new ArgumentException($"No HTTP Verbs declared on: [{definition.EndpointType.FullName}]");
            }

            if (definition.Routes.Length == 0)
            {
                throw new ArgumentException($"No Routes declared on: [{definition.EndpointType.FullName}]");
            }

            Config.EndpointSettings.Configurator?.Invoke(definition);
            var number = 0;
            foreach (var route in definition.Routes)
            {
                number++;
                foreach (var verb in definition.Verbs)
                {
                    var path = MapOne(app, definition, route, verb, definition.Routes.Length > 1 ? number : null);
                    if (!mapped.Add($"{verb}:{path}"))
                    {
                        throw new InvalidOperationException($"Duplicate routes detected! {verb} {path}");
                    }
                }
            }
        }
    }

    private static string MapOne(IEndpointRouteBuilder app, EndpointDefinition definition, string route, string verb, int? number)
    {
        var prefix = Config.EndpointSettings.RoutePrefix is { } routePrefix ? $"/{routePrefix}/" : "";
        var path = prefix.Length > 0 && route.StartsWith('/') ? prefix[..^1] + route : prefix + route;
        var handler = app.MapMethods(path, [verb], () => RequestHandler.Instance);
        var verbName = definition.Verbs.Length > 1 ? verb[0] + verb[1..].ToLowerInvariant() : null;
        var name = Config.EndpointSettings.ShortNames
            ? definition.EndpointType.Name
            : definition.EndpointType.FullName!.Replace(".", "", StringComparison.Ordinal);
        handler.WithName($"{verbName}{name}{number}");
        handler.WithMetadata([definition, .. definition.EndpointMetadata ?? []]);
        AddDefaults(handler, definition, path);
        if (definition.AnonymousVerbs?.Contains(verb) == true)
        {
            handler.AllowAnonymous();
        }
        else
        {
            handler.RequireAuthorization([.. AuthorizeAttributes(definition)]);
        }

        definition.UserConfigAction?.Invoke(handler);
        return path;
    }

    private static IEnumerable<IAuthorizeData> AuthorizeAttributes(EndpointDefinition definition)
    {
        var roles = definition.AllowedRoles is { Count: > 0 } allowed ? string.Join(',', allowed) : null;
        if (definition.PreBuiltUserPolicies is not { Count: > 0 } policies)
        {
            yield return new AuthorizeAttribute { Roles = roles };
            yield break;
        }

        foreach (var policy in policies)
        {
            yield return new AuthorizeAttribute { Policy = policy, Roles = roles };
        }
    }

    private static void AddDefaults(RouteHandlerBuilder handler, EndpointDefinition definition, string route)
    {
        // The handler's own return type says nothing; what it produces is said here.
        handler.Add(endpoint =>
        {
            foreach (var produced in endpoint.Metadata.OfType<IProducesResponseTypeMetadata>().ToArray())
            {
                endpoint.Metadata.Remove(produced);
            }
        });
        if (definition.ReqDtoType != typeof(EmptyRequest))
        {
            if (AllComeFromElsewhere(definition.ReqDtoType, route))
            {
                handler.Accepts(definition.ReqDtoType, "*/*");
            }
            else if (definition.Verbs.Any(verb => verb is "GET" or "HEAD" or "DELETE"))
            {
                handler.Accepts(definition.ReqDtoType, "*/*", "application/json");
            }
            else
            {
                handler.Accepts(definition.ReqDtoType, "application/json");
            }
        }

        var hasBody = definition.ResDtoType != typeof(object) && definition.ResDtoType != typeof(EmptyResponse);
        Produce(handler, hasBody ? 200 : 204, hasBody ? definition.ResDtoType : typeof(void), hasBody ? ["application/json"] : []);
        if (definition.AnonymousVerbs is not { Length: > 0 })
        {
            Produce(handler, 401, typeof(void), []);
        }

        if (definition.AllowedRoles is { Count: > 0 } || definition.PreBuiltUserPolicies is { Count: > 0 })
        {
            Produce(handler, 403, typeof(void), []);
        }

        if (Config.ErrorSettings.ProducesMetadataType is { } errors && definition.ValidatorType is not null)
        {
            Produce(handler, Config.ErrorSettings.StatusCode, errors, [Config.ErrorSettings.ContentType]);
        }
    }

    // At the end, and only where the endpoint itself said nothing.
    private static void Produce(RouteHandlerBuilder handler, int status, Type type, string[] contentTypes)
        => handler.Finally(endpoint =>
        {
            var known = endpoint.Metadata.OfType<IProducesResponseTypeMetadata>().Select(produced => produced.StatusCode);
            if (!known.Any(code => status < 300 ? code is >= 200 and < 300 : code == status))
            {
                endpoint.Metadata.Add(new ProducesResponseTypeMetadata(status, type, contentTypes));
            }
        });

    // By route: an endpoint may have several, with different parameters.
    private static bool AllComeFromElsewhere(Type request, string route)
    {
        var routeNames = RoutePatternFactory.Parse(route).Parameters.Select(parameter => parameter.Name).ToHashSet(StringComparer.OrdinalIgnoreCase);
        return !typeof(System.Collections.IEnumerable).IsAssignableFrom(request)
               && BindableProperties.Of(request).All(property =>
                   property.IsDefined(typeof(NonJsonBindingAttribute), inherit: true) || routeNames.Contains(FieldNames.Of(property)));
    }
}
