using System.Text.Json;

namespace SaasLlm.Core.Llm.Answers;

/// <summary>
/// An error as any version of LiteLLM, FastAPI or an OpenAI-compatible server writes it (litellm-contract, section 2):
/// <c>{"error":{message,type,param,code}}</c>, the same without some members, <c>{"error":"text"}</c>, <c>{"detail":…}</c>, or plain text.
/// </summary>
/// <param name="IsDetail">The body was FastAPI's <c>detail</c>: the proxy itself spoke.</param>
public sealed record GatewayError(string Message, string Type, string Code, bool IsDetail)
{
    private static readonly GatewayError s_none = new("", "", "", false);

    /// <summary>Reads whatever is there; never throws.</summary>
    public static GatewayError Read(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            return Of(document.RootElement);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return s_none;
        }
    }

    /// <summary>The error in a parsed body; empty when there is none.</summary>
    public static GatewayError Of(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object)
        {
            return s_none;
        }

        if (root.TryGetProperty("error", out var error))
        {
            return error.ValueKind == JsonValueKind.Object
                ? new(Text(error, "message"), Text(error, "type"), Text(error, "code"), false)
                : new(error.ValueKind == JsonValueKind.String ? error.GetString()! : "", "", "", false);
        }

        if (!root.TryGetProperty("detail", out var detail))
        {
            return s_none;
        }

        return detail.ValueKind switch
        {
            JsonValueKind.String => new(detail.GetString()!, "", "", true),
            JsonValueKind.Object when detail.TryGetProperty("error", out var inner) && inner.ValueKind == JsonValueKind.Object
                => new(Text(inner, "message"), Text(inner, "type"), Text(inner, "code"), true),
            JsonValueKind.Object => new(Text(detail, "error"), "", "", true),
            _ => new("", "", "", true),
        };
    }

    private static string Text(JsonElement element, string name)
        => element.TryGetProperty(name, out var value)
            ? value.ValueKind switch
            {
                JsonValueKind.String => value.GetString()!,
                JsonValueKind.Number => value.GetRawText(),
                _ => "",
            }
            : "";
}
