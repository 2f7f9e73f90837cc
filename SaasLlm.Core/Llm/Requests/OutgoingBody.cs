using System.Buffers;
using System.Text;
using System.Text.Json;
using SaasLlm.Core.Common;
using SaasLlm.Core.Llm.Formats;
using SaasLlm.Core.Llm.Responses;
using SaasLlm.Core.ModelGroups;

namespace SaasLlm.Core.Llm.Requests;

/// <summary>
/// The body that goes upstream, written anew from the fields we know. LiteLLM obeys far more than OpenAI's fields (<c>fallbacks</c> spends
/// on other models, <c>extra_headers</c> reaches the provider: litellm-contract, section 5), so nothing unknown is passed on.
/// </summary>
public sealed class OutgoingBody
{
    private const int NameShownMax = 100;
    private const string TemperatureField = "temperature";

    // Fewer bytes than this a token are rare in any language.
    private const int BytesPerToken = 3;

    // {"temperature":0,"messages":[…]: the tenant's fields, without the closing brace.
    private readonly ReadOnlyMemory<byte> _fields;

    private readonly RequestSize _size;
    private readonly int _promptBytes;

    private OutgoingBody(ReadOnlyMemory<byte> fields, int promptBytes, CallFormat format, RequestSize size)
        => (_fields, _promptBytes, Format, _size) = (fields, promptBytes, format, size);

    /// <summary>What the answer to it is.</summary>
    internal CallFormat Format { get; }

    /// <summary>The most tokens that the prompt can be.</summary>
    public int PromptTokens => Math.Max((_promptBytes + BytesPerToken - 1) / BytesPerToken, _size.PromptTokensMin);

    /// <summary>The longest answer that the tenant asked for, or its group says, in tokens; null when neither named one.</summary>
    public int? MaxOutputTokens => _size.MaxOutputTokens;

    /// <summary>How many answers it asked for: OpenAI's <c>n</c>; 0 where an answer has no tokens.</summary>
    public int Choices => _size.Choices;

    /// <summary>
    /// Checks the tenant's body. 400 <c>llm.unknown_field</c> for a field that is not passed on, 400 <c>llm.invalid_request</c> for a
    /// value that is wrong; the field's name is <c>param</c>.
    /// </summary>
    public static Result<OutgoingBody> Read(JsonElement body, GroupSettings settings) => Read(body, settings, LlmRoute.Chat, "", null);

    /// <inheritdoc cref="Read(JsonElement, GroupSettings)"/>
    internal static Result<OutgoingBody> Read(JsonElement body, GroupSettings settings, LlmRoute route, string teamId, ResponseIds? ids)
    {
        if (body.ValueKind != JsonValueKind.Object)
        {
            return Invalid("body", "The body must be a JSON object.");
        }

        try
        {
            var format = CallFormat.Of(route, body, teamId, ids);
            return NameFault(body, format.Fields, settings) is { } unknown ? unknown
                : format.FirstFault(body, settings) is { } fault ? Invalid(fault.Field, fault.Sentence)
                : format.Missing(body) is { } missing ? missing
                : Write(body, format, settings);
        }
        catch (Exception exception) when (exception is InvalidOperationException or ArgumentException)
        {
            // An escaped lone surrogate: JSON's grammar lets it pass, and no text can hold it.
            return Invalid("body", "The body holds text that is not Unicode.");
        }
    }

    /// <summary>The bytes for one model.</summary>
    /// <param name="outputCeiling">Sent as the longest answer if neither the tenant nor its group named one; null sends nothing.</param>
    /// <param name="isLiteLlm">Adds the job's id as LiteLLM's metadata and tag, by which its spend rows can be found.</param>
    public ReadOnlyMemory<byte> For(string model, JobId jobId, int? outputCeiling, bool isLiteLlm, bool isStream = false)
    {
        var buffer = new ArrayBufferWriter<byte>(_fields.Length + 256);
        buffer.Write(_fields.Span);
        // Never empty before it: without messages or input there is no body.
        buffer.Write(",\"model\":"u8);
        buffer.Write(JsonSerializer.SerializeToUtf8Bytes(model));
        buffer.Write(Format.Mode(isStream));
        if (outputCeiling is { } ceiling && MaxOutputTokens is null && Format.OutputLimitField is { } field)
        {
            buffer.Write(Encoding.UTF8.GetBytes($",\"{field}\":{ceiling}"));
        }

        if (isLiteLlm)
        {
            var job = jobId.Value.ToString();
            // LiteLLM's spend row keeps tags and spend_logs_metadata, and nothing else of it.
            buffer.Write(Encoding.UTF8.GetBytes($",\"{Format.MetadataField}\":"));
            buffer.Write(JsonSerializer.SerializeToUtf8Bytes(new { job_id = job, tags = new[] { $"job:{job}" }, spend_logs_metadata = new { job_id = job } }));
        }

        buffer.Write("}"u8);
        return buffer.WrittenMemory;
    }

    private static Failure? NameFault(JsonElement body, RequestFields fields, GroupSettings settings)
    {
        if (DuplicateNames.First(body) is { } twice)
        {
            // LiteLLM takes the last of two; nobody should have to know that.
            return Invalid(Shown(twice), $"The field '{Shown(twice)}' is there twice.");
        }

        foreach (var field in body.EnumerateObject())
        {
            if (fields.ChangesPrice(field))
            {
                return Unknown(field.Name, $"'{field.Name}' changes the price of a call and is not offered.");
            }

            if (!fields.IsKnown(field.Name) && (fields.IsNeverPassedOn(field.Name) || !settings.Fields.Contains(field.Name)))
            {
                if (fields.NotOffered.Contains(field.Name))
                {
                    if (field.Value.ValueKind == JsonValueKind.Null)
                    {
                        continue;
                    }

                    return Unknown(field.Name, $"'{field.Name}' is not offered.");
                }

                return Unknown(Shown(field.Name), $"Unrecognized request argument supplied: {Shown(field.Name)}");
            }
        }

        return null;
    }

    private static OutgoingBody Write(JsonElement body, CallFormat format, GroupSettings settings)
    {
        var size = format.SizeOf(body);
        var buffer = new ArrayBufferWriter<byte>(1024);
        long promptBytes;
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            foreach (var field in PassedOn(body, format).Where(field => !format.IsOutputLimit(field.Name)))
            {
                format.WriteField(writer, field);
            }

            if (settings.UnnamedTemperature is { } temperature && format.Fields.IsKnown(TemperatureField) && !FieldChecks.Present(body, TemperatureField, out _))
            {
                writer.WriteNumber(TemperatureField, temperature);
            }

            // Last, and not counted: what a request is estimated at must not depend on how its longest answer is written.
            promptBytes = writer.BytesCommitted + writer.BytesPending - format.Pictures(body).Sum(picture => InlinePictures.BytesNotCounted(picture, BytesPerToken));
            foreach (var field in PassedOn(body, format).Where(field => format.IsOutputLimit(field.Name)))
            {
                format.WriteField(writer, field);
            }

            if (size.MaxOutputTokens is null && settings.UnnamedOutputTokens is { } longest && format.OutputLimitField is { } limit)
            {
                writer.WriteNumber(limit, longest);
                size = size with { MaxOutputTokens = longest };
            }

            writer.WriteEndObject();
        }

        return new(buffer.WrittenMemory[..^1], (int)promptBytes, format, size);
    }

    private static IEnumerable<JsonProperty> PassedOn(JsonElement body, CallFormat format)
        => body.EnumerateObject().Where(field => !format.Fields.IsOurs(field.Name) && field.Value.ValueKind != JsonValueKind.Null);

    private static string Shown(string name) => name.Length <= NameShownMax ? name : string.Concat(name.AsSpan(0, NameShownMax), "…");

    private static Failure Unknown(string field, string sentence) => Refuse("llm.unknown_field", field, sentence);

    private static Failure Invalid(string field, string sentence) => Refuse("llm.invalid_request", field, sentence);

    private static Failure Refuse(string code, string field, string sentence)
        => new(FailureKind.Invalid, code, sentence)
        {
            Details = new Dictionary<string, object?> { ["param"] = field },
        };
}
