using System.Text.Json;
using System.Text.Json.Serialization;
using SaasLlm.Core.Common;

namespace SaasLlm.ApiService.Platform.Json;

/// <summary>
/// Tells a member that is null from one that is left out. Where it is written, the property is ignored at its default:
/// <c>[property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]</c>. A record's parameter of this type has no default value:
/// left out it is one anyway, and the serializer's schema exporter fails on the default of a struct.
/// </summary>
internal sealed class OptionalConverterFactory : JsonConverterFactory
{
    /// <summary>The type of the value, or null where <paramref name="type"/> is no <see cref="Optional{T}"/>.</summary>
    public static Type? ValueTypeOf(Type type)
        => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(Optional<>) ? type.GetGenericArguments()[0] : null;

    public override bool CanConvert(Type typeToConvert) => ValueTypeOf(typeToConvert) is not null;

    public override JsonConverter CreateConverter(Type typeToConvert, JsonSerializerOptions options)
        => (JsonConverter)Activator.CreateInstance(typeof(OptionalConverter<>).MakeGenericType(ValueTypeOf(typeToConvert)!), options)!;

    private sealed class OptionalConverter<T>(JsonSerializerOptions options) : JsonConverter<Optional<T>>
    {
        // Asked directly: the serializer itself would begin the path of an error anew, and the field lose its name.
        private readonly JsonConverter<T> _value = (JsonConverter<T>)options.GetConverter(typeof(T));

        public override bool HandleNull => true;

        public override Optional<T> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
            => new(_value.Read(ref reader, typeof(T), options)!);

        public override void Write(Utf8JsonWriter writer, Optional<T> value, JsonSerializerOptions options)
            => _value.Write(writer, value.Value!, options);
    }
}
