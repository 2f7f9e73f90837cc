using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using SaasLlm.LiteLlmSimulator.Http;

namespace SaasLlm.LiteLlmSimulator.Inference;

/// <summary>Embeddings: for the same text always the same vector of length one.</summary>
internal sealed class Embeddings(InferenceGate gate)
{
    private const int DimensionsOtherwise = 1536;

    private const int DimensionsMax = 8192;

    public async Task<Answer> AnswerAsync(Call incoming)
    {
        var (call, answered) = await gate.EnterAsync(incoming, "/embeddings", "input");
        if (call is null)
        {
            return answered!;
        }

        var inputs = Inputs(call.Body.GetProperty("input"));
        var dimensions = call.Body.Has("dimensions", out var wanted) && wanted.TryGetInt32(out var number) ? Math.Clamp(number, 1, DimensionsMax) : DimensionsOtherwise;
        var isBase64 = call.Body.StringOf("encoding_format") == "base64";
        var tokens = inputs.Sum(input => input.Tokens);
        var echo = new Echo("", IsLimited: false, [], tokens, 0);
        incoming.Caller.Key?.Charge(echo.InputCost(call.Model));
        return new(200, new JsonObject
        {
            ["model"] = call.Model.Name,
            ["data"] = new JsonArray([.. inputs.Select((input, index) => new JsonObject
            {
                ["embedding"] = isBase64 ? Base64(Vector(input.Text, dimensions)) : Numbers(Vector(input.Text, dimensions)),
                ["index"] = index,
                ["object"] = "embedding",
            })]),
            ["object"] = "list",
            ["usage"] = new JsonObject
            {
                ["completion_tokens"] = 0,
                ["prompt_tokens"] = tokens,
                ["total_tokens"] = tokens,
                ["completion_tokens_details"] = null,
                ["prompt_tokens_details"] = null,
            },
        })
        {
            Headers = CallHeaders.Success(call, echo, isStream: false),
        };
    }

    /// <summary>A text, a list of texts, a list of tokens, or a list of such lists.</summary>
    private static List<(string Text, int Tokens)> Inputs(JsonElement input)
    {
        if (input.ValueKind is not JsonValueKind.Array)
        {
            return [One(input)];
        }

        var isTokens = input.GetArrayLength() > 0 && input[0].ValueKind is JsonValueKind.Number;
        return isTokens ? [One(input)] : [.. input.EnumerateArray().Select(One)];
    }

    private static (string Text, int Tokens) One(JsonElement input) => input.ValueKind is JsonValueKind.Array
        ? (input.GetRawText(), input.GetArrayLength())
        : (Tokens.TextOf(input), Math.Max(1, Tokens.Count(Tokens.TextOf(input))));

    private static float[] Vector(string text, int dimensions)
    {
        var seed = BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(text))) | 1;
        var vector = new float[dimensions];
        var squares = 0f;
        for (var i = 0; i < dimensions; i++)
        {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            vector[i] = ((int)(seed % 2001) - 1000) / 1000f;
            squares += vector[i] * vector[i];
        }

        var length = MathF.Sqrt(squares);
        return length == 0 ? vector : [.. vector.Select(value => value / length)];
    }

    private static JsonArray Numbers(float[] vector) =>
        new([.. vector.Select(value => JsonNode.Parse(value.ToString("0.0######", CultureInfo.InvariantCulture)))]);

    private static JsonValue Base64(float[] vector)
    {
        var bytes = new byte[vector.Length * sizeof(float)];
        for (var i = 0; i < vector.Length; i++)
        {
            BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(i * sizeof(float)), vector[i]);
        }

        return JsonValue.Create(Convert.ToBase64String(bytes));
    }
}
