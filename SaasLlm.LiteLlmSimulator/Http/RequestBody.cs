using System.Text.Json;

namespace SaasLlm.LiteLlmSimulator.Http;

/// <summary>The request's bytes, read once at the door and parsed at most once.</summary>
internal sealed class RequestBody(byte[] bytes)
{
    private static readonly JsonDocumentOptions s_options = new() { AllowDuplicateProperties = true };

    private JsonElement? _root;

    public byte[] Bytes { get; } = bytes;

    public static RequestBody Of(HttpContext http) => http.Features.Get<RequestBody>()!;

    /// <summary>Parses; undefined for an empty body, false with Python's wording for one that is no JSON.</summary>
    public bool TryParse(out JsonElement root, out string fault)
    {
        fault = "";
        if (_root is { } known)
        {
            root = known;
            return true;
        }

        root = default;
        if (Bytes.Length > 0)
        {
            try
            {
                using var document = JsonDocument.Parse(Bytes, s_options);
                root = document.RootElement.Clone();
                RefuseLoneSurrogates(root);
            }
            catch (Exception exception) when (exception is JsonException or InvalidOperationException)
            {
                fault = "Invalid JSON payload: unexpected end of data: line 1 column 1 (char 0)";
                return false;
            }
        }

        _root = root;
        return true;
    }

    // A lone surrogate is accepted by the parser and only fails when its text is read.
    private static void RefuseLoneSurrogates(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.String:
                element.GetString();
                break;
            case JsonValueKind.Array:
                foreach (var item in element.EnumerateArray())
                {
                    RefuseLoneSurrogates(item);
                }

                break;
            case JsonValueKind.Object:
                foreach (var property in element.EnumerateObject())
                {
                    RefuseLoneSurrogates(property.Value);
                }

                break;
        }
    }
}
