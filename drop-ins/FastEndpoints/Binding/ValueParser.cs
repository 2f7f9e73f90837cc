using System.Globalization;
using System.Linq.Expressions;
using System.Reflection;
using Microsoft.Extensions.Primitives;

namespace FastEndpoints;

/// <summary>The outcome of parsing one route, query or header value.</summary>
public record struct ParseResult(bool IsSuccess, object? Value);

/// <summary>Parses route, query and header values: texts, enums, whatever has a TryParse, and lists of those.</summary>
internal static class ValueParser
{
    public static Func<StringValues, ParseResult> For(Type type)
    {
        var target = Nullable.GetUnderlyingType(type) ?? type;
        if (target == typeof(string))
        {
            return values => new(true, values.ToString());
        }

        if (target.IsEnum)
        {
            return values => Enum.TryParse(target, values.ToString(), ignoreCase: true, out var parsed) && Enum.IsDefined(target, parsed!)
                ? new(true, parsed)
                : new(false, parsed);
        }

        if (ElementType(target) is { } element)
        {
            return ForList(target, element);
        }

        var tryParse = target.GetMethod("TryParse", BindingFlags.Public | BindingFlags.Static, [typeof(string), target.MakeByRefType()])
                       ?? target.GetMethod("TryParse", BindingFlags.Public | BindingFlags.Static,
                           [typeof(string), typeof(IFormatProvider), target.MakeByRefType()]);
        return tryParse is null ? values => new(values.Count == 0, null) : Compile(tryParse, target);
    }

    // values => { var isSuccess = T.TryParse((string)values, out var result); return new(isSuccess, (object)result); }
    private static Func<StringValues, ParseResult> Compile(MethodInfo tryParse, Type target)
    {
        var values = Expression.Parameter(typeof(StringValues));
        var result = Expression.Variable(target);
        var isSuccess = Expression.Variable(typeof(bool));
        var text = Expression.Convert(values, typeof(string));
        Expression[] arguments = tryParse.GetParameters().Length == 2
            ? [text, result]
            : [text, Expression.Constant(CultureInfo.InvariantCulture, typeof(IFormatProvider)), result];
        return Expression.Lambda<Func<StringValues, ParseResult>>(
            Expression.Block(
                [result, isSuccess],
                Expression.Assign(isSuccess, Expression.Call(tryParse, arguments)),
                Expression.New(
                    typeof(ParseResult).GetConstructor([typeof(bool), typeof(object)])!,
                    isSuccess,
                    Expression.Convert(result, typeof(object)))),
            values).Compile();
    }

    private static Type? ElementType(Type type)
        => type.IsArray ? type.GetElementType()
            : type.IsGenericType && typeof(System.Collections.IEnumerable).IsAssignableFrom(type) ? type.GetGenericArguments()[0]
            : null;

    private static Func<StringValues, ParseResult> ForList(Type list, Type element)
    {
        var parse = For(element);
        return values =>
        {
            var parsed = Array.CreateInstance(element, values.Count);
            for (var i = 0; i < values.Count; i++)
            {
                var item = parse(values[i]);
                if (!item.IsSuccess)
                {
                    return new(false, null);
                }

                parsed.SetValue(item.Value, i);
            }

            return new(true, list.IsArray || list.IsInterface ? parsed : Activator.CreateInstance(list, parsed));
        };
    }
}
