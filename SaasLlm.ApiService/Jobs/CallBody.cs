using System.Text.Json;
using FluentValidation.Results;
using SaasLlm.ApiService.Llm;
using SaasLlm.Core.Common;

namespace SaasLlm.ApiService.Jobs;

/// <summary>The body of a call of the job API: OpenAI's chat request with our own fields beside it.</summary>
/// <param name="Fields">What is left for the model.</param>
internal sealed record CallBody(string ModelGroup, string? Purpose, JsonElement Fields)
{
    private const int PurposeLengthMax = 255;

    private static readonly HashSet<string> s_ours = ["model_group", "model_group_name", "purpose"];

    /// <summary>The body, or what is wrong with it.</summary>
    /// <param name="others">Fields beside these that are the route's.</param>
    public static (CallBody? Body, ValidationFailure? Fault) Read(JsonElement body, params string[] others)
    {
        if (body.ValueKind != JsonValueKind.Object)
        {
            return (null, new("body", "must be a JSON object"));
        }

        try
        {
            return ReadObject(body, others);
        }
        catch (InvalidOperationException)
        {
            return (null, new("body", "holds text that is not Unicode"));
        }
    }

    private static (CallBody? Body, ValidationFailure? Fault) ReadObject(JsonElement body, string[] others)
    {
        if (GroupOf(body) is not { } group)
        {
            return (null, new("model_group", "must name a model group, once"));
        }

        return TryPurpose(body, out var purpose)
            ? (new(group, purpose, body.Without(name => s_ours.Contains(name) || others.Contains(name))), null)
            : (null, new("purpose", $"must be a text of at most {PurposeLengthMax} characters"));
    }

    private static string? GroupOf(JsonElement body)
    {
        var first = body.TryGetProperty("model_group", out var name) ? name : default;
        var second = body.TryGetProperty("model_group_name", out var other) ? other : default;
        var named = first.ValueKind is JsonValueKind.Undefined ? second : first;
        return named.ValueKind == JsonValueKind.String
               && (first.ValueKind is JsonValueKind.Undefined || second.ValueKind is JsonValueKind.Undefined)
               && Names.IsGroupName(named.GetString())
            ? named.GetString()
            : null;
    }

    private static bool TryPurpose(JsonElement body, out string? purpose)
    {
        purpose = null;
        if (!body.TryGetProperty("purpose", out var given) || given.ValueKind == JsonValueKind.Null)
        {
            return true;
        }

        purpose = given.ValueKind == JsonValueKind.String ? given.GetString() : null;
        return purpose is { Length: <= PurposeLengthMax } && !purpose.Contains('\0', StringComparison.Ordinal);
    }
}
