using System.Globalization;
using System.Text.Json;

namespace SaasLlm.Core.Llm.Gateway;

/// <summary>Keys of this installation on one page of the gateway's list.</summary>
/// <param name="Now">The gateway's own clock, which its keys' times are by; null where it does not tell.</param>
internal sealed record GatewayKeyPage(IReadOnlyList<GatewayKey> Keys, int Pages, DateTimeOffset? Now)
{
    /// <summary>The largest that it takes.</summary>
    public const int Size = 100;

    /// <summary>Reads the answer of <c>/key/list</c>; null for another shape.</summary>
    public static GatewayKeyPage? Read(byte[] body, string mark, DateTimeOffset? now)
    {
        using var document = JsonDocument.Parse(body);
        if (document.RootElement is not { ValueKind: JsonValueKind.Object } root
            || !root.TryGetProperty("keys", out var keys) || keys.ValueKind != JsonValueKind.Array
            || !root.TryGetProperty("total_pages", out var pages) || !pages.TryGetInt32(out var count))
        {
            return null;
        }

        return new([.. keys.EnumerateArray().Select(key => KeyOf(key, mark)).OfType<GatewayKey>()], count, now);
    }

    private static GatewayKey? KeyOf(JsonElement key, string mark)
        => key.ValueKind == JsonValueKind.Object
           && key.TryGetProperty("metadata", out var metadata) && metadata.ValueKind == JsonValueKind.Object && Text(metadata, "saasllm_installation") == mark
           && Text(key, "token") is { } token && Text(key, "team_id") is { } team
           && DateTimeOffset.TryParse(Text(key, "created_at"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var createdAt)
            ? new(token, team, createdAt)
            : null;

    private static string? Text(JsonElement element, string name)
        => element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}

/// <param name="Token">The SHA-256 of the key, in hexadecimal digits.</param>
internal sealed record GatewayKey(string Token, string TeamId, DateTimeOffset CreatedAt);
