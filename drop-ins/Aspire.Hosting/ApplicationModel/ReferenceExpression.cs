using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>A text with values in it that are known only when the application runs.</summary>
public class ReferenceExpression : IExpressionValue
{
    private readonly string?[] _formats;

    private ReferenceExpression(string format, IReadOnlyList<IValueProvider> providers, string?[] formats)
        => (Format, ValueProviders, _formats) = (format, providers, formats);

    public string Format { get; }

    public IReadOnlyList<IValueProvider> ValueProviders { get; }

    public string ValueExpression => string.Format(
        CultureInfo.InvariantCulture, Format, [.. ValueProviders.Select(value => ((IManifestExpressionProvider)value).ValueExpression)]);

    public static ReferenceExpression Create(in ExpressionInterpolatedStringHandler handler) => handler.Build();

    public async ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default)
    {
        var values = new object?[ValueProviders.Count];
        for (var i = 0; i < values.Length; i++)
        {
            var value = await ValueProviders[i].GetValueAsync(cancellationToken);
            values[i] = _formats[i] == "uri" && value is not null ? Uri.EscapeDataString(value) : value;
        }

        return string.Format(CultureInfo.InvariantCulture, Format, values);
    }

    [InterpolatedStringHandler]
    public ref struct ExpressionInterpolatedStringHandler(int literalLength, int formattedCount)
    {
        private readonly StringBuilder _format = new(literalLength);
        private readonly List<IValueProvider> _providers = new(formattedCount);
        private readonly List<string?> _formats = [];

        public readonly void AppendLiteral(string value) => _format.Append(Escape(value));

        public readonly void AppendFormatted(string? value) => _format.Append(Escape(value ?? ""));

        public readonly void AppendFormatted<T>(T valueProvider, string? format = null)
            where T : IValueProvider, IManifestExpressionProvider
        {
            _format.Append('{').Append(_providers.Count).Append('}');
            _providers.Add(valueProvider);
            _formats.Add(format);
        }

        public readonly void AppendFormatted<T>(IResourceBuilder<T> valueProvider, string? format = null)
            where T : IResource, IValueProvider, IManifestExpressionProvider
            => AppendFormatted(valueProvider.Resource, format);

        internal readonly ReferenceExpression Build() => new(_format.ToString(), _providers, [.. _formats]);

        private static string Escape(string value)
            => value.Replace("{", "{{", StringComparison.Ordinal).Replace("}", "}}", StringComparison.Ordinal);
    }
}
