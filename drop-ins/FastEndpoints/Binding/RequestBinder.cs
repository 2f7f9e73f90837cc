using System.Collections;
using System.Reflection;
using FluentValidation.Results;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace FastEndpoints;

/// <summary>Binds in the library's order: JSON body, then route, query, headers; a later source overwrites an earlier one.</summary>
internal static class RequestBinder<TRequest> where TRequest : notnull
{
    private static readonly bool s_isList = typeof(IEnumerable).IsAssignableFrom(typeof(TRequest));
    private static readonly Dictionary<string, BoundProperty> s_properties = new(StringComparer.OrdinalIgnoreCase);
    private static readonly List<(string Header, bool IsRequired, BoundProperty Property)> s_headers = [];
    private static readonly PropertyInfo? s_body;

    static RequestBinder()
    {
        if (s_isList || typeof(TRequest) == typeof(EmptyRequest))
        {
            return;
        }

        foreach (var property in typeof(TRequest).GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => p.CanWrite))
        {
            if (property.IsDefined(typeof(FromBodyAttribute)))
            {
                s_body = property;
                continue;
            }

            var disabled = property.GetCustomAttribute<DontBindAttribute>()?.BindingSources ?? 0;
            var bound = new BoundProperty(property, ValueParser.For(property.PropertyType), disabled);
            if (property.GetCustomAttribute<FromHeaderAttribute>() is { } header)
            {
                s_headers.Add((header.HeaderName ?? property.Name, header.IsRequired, bound));
                continue;
            }

            s_properties[FieldNames.Of(property)] = bound;
        }
    }

    public static async ValueTask<TRequest> BindAsync(HttpContext context, List<ValidationFailure> failures, CancellationToken cancellation)
    {
        if (typeof(TRequest) == typeof(EmptyRequest))
        {
            return RequestFactory<TRequest>.Create();
        }

        var request = context.Request.HasJsonContentType()
            ? await ReadBodyAsync(context.Request, cancellation)
            : RequestFactory<TRequest>.Create();
        if (s_isList)
        {
            return request;
        }

        foreach (var (name, value) in context.Request.RouteValues)
        {
            Bind(request, name, value?.ToString(), Source.RouteParam, failures);
        }

        foreach (var (name, value) in context.Request.Query)
        {
            Bind(request, name, value, Source.QueryParam, failures);
        }

        BindHeaders(request, context, failures);
        return failures.Count == 0 ? request : throw new ValidationFailureException(failures, "Model binding failed!");
    }

    private static async ValueTask<TRequest> ReadBodyAsync(HttpRequest http, CancellationToken cancellation)
    {
        var options = Config.SerializerSettings.Options;
        if (s_body is null)
        {
            return (TRequest?)await http.ReadFromJsonAsync(typeof(TRequest), options, cancellation) ?? RequestFactory<TRequest>.Create();
        }

        var request = RequestFactory<TRequest>.Create();
        s_body.SetValue(request, await http.ReadFromJsonAsync(s_body.PropertyType, options, cancellation));
        return request;
    }

    private static void Bind(TRequest request, string name, StringValues value, Source source, List<ValidationFailure> failures)
    {
        if (!s_properties.TryGetValue(name, out var property) || (property.DisabledSources & source) == source)
        {
            return;
        }

        var parsed = property.Parse(value);
        if (parsed.IsSuccess)
        {
            property.Info.SetValue(request, parsed.Value);
        }
        else if (value.ToString().Length == 0 && Nullable.GetUnderlyingType(property.Info.PropertyType) is not null)
        {
            property.Info.SetValue(request, null);
        }
        else
        {
            failures.Add(new(name, Config.BindingSettings.FailureMessage(property.Info.PropertyType, name, value)));
        }
    }

    private static void BindHeaders(TRequest request, HttpContext context, List<ValidationFailure> failures)
    {
        foreach (var (header, isRequired, property) in s_headers)
        {
            var value = context.Request.Headers[header];
            if (value.Count == 0)
            {
                if (isRequired)
                {
                    failures.Add(new(header, "This header is missing from the request!"));
                }

                continue;
            }

            var parsed = property.Parse(value);
            property.Info.SetValue(request, parsed.Value);
            if (!parsed.IsSuccess)
            {
                failures.Add(new(header, $"Unable to bind header value [{value}] to a [{property.Info.PropertyType.Name}] property!"));
            }
        }
    }

    private sealed record BoundProperty(PropertyInfo Info, Func<StringValues, ParseResult> Parse, Source DisabledSources);
}

/// <summary>The names under which route and query carry properties.</summary>
internal static class FieldNames
{
    public static string Of(PropertyInfo property)
        => property.GetCustomAttribute<BindFromAttribute>()?.Name
           ?? (Config.BindingSettings.UsePropertyNamingPolicy && Config.SerializerSettings.Options.PropertyNamingPolicy is { } policy
               ? policy.ConvertName(property.Name)
               : property.Name);
}

/// <summary>Makes a request that has no body: by its shortest constructor, each parameter at its default.</summary>
internal static class RequestFactory<TRequest> where TRequest : notnull
{
    private static readonly ConstructorInfo? s_constructor = typeof(TRequest)
        .GetConstructors(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance)
        .Where(constructor => constructor.GetParameters() is not [{ } only] || only.ParameterType != typeof(TRequest))
        .MinBy(constructor => constructor.GetParameters().Length);

    private static readonly object?[] s_defaults = s_constructor?.GetParameters().Select(DefaultOf).ToArray() ?? [];

    public static TRequest Create()
        => s_constructor is null ? Activator.CreateInstance<TRequest>() : (TRequest)s_constructor.Invoke([.. s_defaults]);

    private static object? DefaultOf(ParameterInfo parameter)
        => parameter.HasDefaultValue && parameter.DefaultValue is { } value ? value
            : parameter.ParameterType.IsValueType ? Activator.CreateInstance(parameter.ParameterType)
            : null;
}
