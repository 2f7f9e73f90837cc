using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace SaasLlm.ApiService.Platform.Json;

/// <summary>How the API reads and writes JSON.</summary>
internal static class ApiJson
{
    public static readonly JsonSerializerOptions Options = Create();

    /// <summary>snake_case, no numbers in text, no duplicate names, credits without trailing zeros, no NUL in texts.</summary>
    public static void Configure(JsonSerializerOptions options)
    {
        options.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
        options.NumberHandling = JsonNumberHandling.Strict;
        options.AllowDuplicateProperties = false;
        options.MaxDepth = 64;
        // Texts of models are full of quotes and non-ASCII letters; the answers are JSON, never part of an HTML page.
        options.Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;
        options.Converters.Add(new PlainDecimalConverter());
        options.Converters.Add(new StorableStringConverter());
        options.Converters.Add(new UtcTimeConverter());
        options.Converters.Add(new OptionalConverterFactory());
    }

    private static JsonSerializerOptions Create()
    {
        var options = new JsonSerializerOptions(JsonSerializerDefaults.Web);
        Configure(options);
        options.MakeReadOnly(populateMissingResolver: true);
        return options;
    }
}
