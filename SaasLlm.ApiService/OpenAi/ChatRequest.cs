using System.Buffers;
using System.Text.Json;
using SaasLlm.Core.Common;

namespace SaasLlm.ApiService.OpenAi;

/// <summary>A chat request as OpenAI's clients write it.</summary>
/// <param name="Fields">What is left for the model.</param>
/// <param name="Labels">OpenAI's <c>metadata</c>, a JSON object.</param>
internal sealed record ChatRequest(string Model, bool IsStream, bool WantsUsage, string? User, string Labels, JsonElement Fields)
{
    // Of two fields with one name, we and the model's server might each read another.
    private static readonly JsonDocumentOptions s_strict = new() { AllowDuplicateProperties = false };

    private static readonly HashSet<string> s_ours = ["model", "stream", "stream_options"];

    /// <summary>Reads the body to its end, as JSON whatever its content type says.</summary>
    public static async Task<Result<ChatRequest>> ReadAsync(HttpContext context)
    {
        using var buffer = new MemoryStream();
        await context.Request.Body.CopyToAsync(buffer, context.RequestAborted);
        try
        {
            var body = JsonElement.Parse(buffer.GetBuffer().AsSpan(0, (int)buffer.Length), s_strict);
            return body.ValueKind == JsonValueKind.Object
                ? Read(body, context.Features.Get<OpenAiSurface>()?.Deployment)
                : Invalid(null, "The body must be a JSON object.");
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or ArgumentException)
        {
            return Invalid(null, $"The body is not JSON as it must be. {exception.Message}");
        }
    }

    private static Result<ChatRequest> Read(JsonElement body, string? deployment)
    {
        var model = body.TryGetProperty("model", out var named) && named.ValueKind == JsonValueKind.String ? named.GetString() : deployment;
        if (string.IsNullOrEmpty(model))
        {
            return Invalid("model", "You must provide a model: the name of a model group.");
        }

        if (body.TryGetProperty("stream", out var stream) && stream.ValueKind is not (JsonValueKind.True or JsonValueKind.False or JsonValueKind.Null))
        {
            return Invalid("stream", "'stream' must be true or false.");
        }

        var isStream = stream.ValueKind == JsonValueKind.True;
        var options = body.TryGetProperty("stream_options", out var given) ? given : default;
        if (options.ValueKind is not (JsonValueKind.Undefined or JsonValueKind.Null or JsonValueKind.Object))
        {
            return Invalid("stream_options", "'stream_options' must be an object.");
        }

        if (options.ValueKind == JsonValueKind.Object && !isStream)
        {
            return Invalid("stream_options", "The 'stream_options' parameter is only allowed when 'stream' is enabled.");
        }

        var wantsUsage = options.ValueKind == JsonValueKind.Object
            && options.TryGetProperty("include_usage", out var usage) && usage.ValueKind == JsonValueKind.True;
        var user = body.TryGetProperty("user", out var end) && end.ValueKind == JsonValueKind.String ? end.GetString() : null;
        var labels = body.TryGetProperty("metadata", out var metadata) && metadata.ValueKind == JsonValueKind.Object ? metadata.GetRawText() : "{}";
        return new ChatRequest(model, isStream, wantsUsage, user, labels, WithoutOurs(body));
    }

    private static JsonElement WithoutOurs(JsonElement body)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            foreach (var field in body.EnumerateObject().Where(field => !s_ours.Contains(field.Name)))
            {
                field.WriteTo(writer);
            }

            writer.WriteEndObject();
        }

        return JsonElement.Parse(buffer.WrittenSpan);
    }

    private static Failure Invalid(string? field, string sentence)
        => new(FailureKind.Invalid, "llm.invalid_request", sentence) { Details = new Dictionary<string, object?> { ["param"] = field } };
}
