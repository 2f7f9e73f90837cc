using System.Text.Json;
using SaasLlm.ApiService.Llm;
using SaasLlm.Core.Common;

namespace SaasLlm.ApiService.OpenAi;

/// <summary>A request to a model, as OpenAI's clients write it.</summary>
/// <param name="Fields">What is left for the model.</param>
/// <param name="User">As it came: it is checked where it is kept.</param>
/// <param name="Metadata">Likewise; undefined where there is none.</param>
internal sealed record ModelRequest(string Model, bool IsStream, bool WantsUsage, string? User, JsonElement Metadata, JsonElement Fields)
{
    private const int BufferBytesFirst = 64 * 1024;

    // Of two fields with one name, we and the model's server might each read another.
    private static readonly JsonDocumentOptions s_strict = new() { AllowDuplicateProperties = false };

    private static readonly HashSet<string> s_ours = ["model", "stream", "stream_options"];
    private static readonly HashSet<string> s_modelOnly = ["model"];

    /// <summary>The body as it was sent; null where it is not kept.</summary>
    public JsonElement? Sent { get; init; }

    /// <summary>Reads the body to its end, as JSON whatever its content type says.</summary>
    /// <param name="mayStream">False: <c>stream</c> is a field like any other.</param>
    public static async Task<Result<ModelRequest>> ReadAsync(HttpContext context, bool mayStream = true)
    {
        // At once as long as it says that it is, within reason: a header alone may not take much.
        using var buffer = new MemoryStream((int)Math.Min(context.Request.ContentLength ?? 0, BufferBytesFirst));
        await context.Request.Body.CopyToAsync(buffer, context.RequestAborted);
        try
        {
            var body = JsonElement.Parse(buffer.GetBuffer().AsSpan(0, (int)buffer.Length), s_strict);
            return body.ValueKind == JsonValueKind.Object
                ? Read(body, context.Features.Get<OpenAiSurface>()?.Deployment, mayStream).Map(request => request with { Sent = context.BodyToKeep(body) })
                : Invalid(null, "The body must be a JSON object.");
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or ArgumentException)
        {
            return Invalid(null, $"The body is not JSON as it must be. {exception.Message}");
        }
    }

    private static Result<ModelRequest> Read(JsonElement body, string? deployment, bool mayStream)
    {
        // Azure's clients name a model in the body too, whatever the deployment is; Azure does not look at it.
        var model = deployment ?? (body.TryGetProperty("model", out var named) && named.ValueKind == JsonValueKind.String ? named.GetString() : null);
        if (string.IsNullOrEmpty(model))
        {
            return Invalid("model", "You must provide a model: the name of a model group.");
        }

        var (isStream, wantsUsage) = (false, false);
        if (mayStream && StreamFault(body, out isStream, out wantsUsage) is { } fault)
        {
            return fault;
        }

        var user = body.TryGetProperty("user", out var end) && end.ValueKind == JsonValueKind.String ? end.GetString() : null;
        return new ModelRequest(
            model, isStream, wantsUsage, user, body.TryGetProperty("metadata", out var metadata) ? metadata : default,
            body.Without((mayStream ? s_ours : s_modelOnly).Contains));
    }

    private static Failure? StreamFault(JsonElement body, out bool isStream, out bool wantsUsage)
    {
        isStream = body.TryGetProperty("stream", out var stream) && stream.ValueKind == JsonValueKind.True;
        var options = body.TryGetProperty("stream_options", out var given) ? given : default;
        wantsUsage = options.ValueKind == JsonValueKind.Object
            && options.TryGetProperty("include_usage", out var usage) && usage.ValueKind == JsonValueKind.True;
        if (stream.ValueKind is not (JsonValueKind.Undefined or JsonValueKind.True or JsonValueKind.False or JsonValueKind.Null))
        {
            return Invalid("stream", "'stream' must be true or false.");
        }

        return options.ValueKind switch
        {
            JsonValueKind.Undefined or JsonValueKind.Null => null,
            JsonValueKind.Object when isStream => null,
            JsonValueKind.Object => Invalid("stream_options", "The 'stream_options' parameter is only allowed when 'stream' is enabled."),
            _ => Invalid("stream_options", "'stream_options' must be an object."),
        };
    }

    private static Failure Invalid(string? field, string sentence)
        => new(FailureKind.Invalid, "llm.invalid_request", sentence) { Details = new Dictionary<string, object?> { ["param"] = field } };
}
