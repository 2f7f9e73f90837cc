using System.Buffers;
using System.Text.Json;
using SaasLlm.Core.Common;

namespace SaasLlm.Core.Llm.Requests;

/// <summary>
/// The body that goes upstream, written anew from the fields we know. LiteLLM obeys far more than OpenAI's fields (<c>fallbacks</c> spends
/// on other models, <c>extra_headers</c> reaches the provider: litellm-contract, section 5), so nothing unknown is passed on.
/// </summary>
public sealed class OutgoingBody
{
    private readonly List<(string Name, JsonElement Value)> _fields;

    private OutgoingBody(List<(string, JsonElement)> fields) => _fields = fields;

    /// <summary>Checks the tenant's body. 400 <c>llm.invalid_request</c>, with the field's name as <c>param</c>.</summary>
    public static Result<OutgoingBody> Read(JsonElement body, GroupPermissions permissions)
    {
        if (body.ValueKind != JsonValueKind.Object)
        {
            return Refuse("body", "The body must be a JSON object.");
        }

        var fields = new List<(string, JsonElement)>();
        var seen = new HashSet<string>();
        foreach (var field in body.EnumerateObject())
        {
            if (!seen.Add(field.Name))
            {
                // LiteLLM takes the last of two; nobody should have to know that.
                return Refuse(field.Name, $"The field '{field.Name}' is there twice.");
            }

            if (ChatFields.Priced.Contains(field.Name) && field.Value.ValueKind != JsonValueKind.Null)
            {
                return Refuse(field.Name, $"'{field.Name}' changes the price of a call and is not offered.");
            }

            if (ChatFields.PassedOn.Contains(field.Name) || permissions.Fields.Contains(field.Name))
            {
                if (field.Value.ValueKind != JsonValueKind.Null)
                {
                    fields.Add((field.Name, field.Value));
                }
            }
            else if (!ChatFields.KeptHere.Contains(field.Name) && !ChatFields.Priced.Contains(field.Name))
            {
                return Refuse(field.Name, $"Unrecognized request argument supplied: {field.Name}");
            }
        }

        if (FieldChecks.FirstFault(body, permissions) is { } fault)
        {
            return Refuse(fault.Field, fault.Sentence);
        }

        return new OutgoingBody(fields);
    }

    /// <summary>The bytes for one model.</summary>
    /// <param name="isLiteLlm">Adds the job's id as LiteLLM's metadata and tag, by which its spend rows can be found.</param>
    public ReadOnlyMemory<byte> For(string model, JobId jobId, bool isLiteLlm)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("model", model);
            foreach (var (name, value) in _fields)
            {
                writer.WritePropertyName(name);
                value.WriteTo(writer);
            }

            writer.WriteBoolean("stream", false);
            if (isLiteLlm)
            {
                writer.WriteStartObject("metadata");
                writer.WriteString("job_id", jobId.Value);
                writer.WriteStartArray("tags");
                writer.WriteStringValue($"job:{jobId.Value}");
                writer.WriteEndArray();
                writer.WriteEndObject();
            }

            writer.WriteEndObject();
        }

        return buffer.WrittenMemory;
    }

    private static Failure Refuse(string field, string sentence)
        => new(FailureKind.Invalid, "llm.invalid_request", sentence)
        {
            Details = new Dictionary<string, object?> { ["param"] = field },
        };
}
