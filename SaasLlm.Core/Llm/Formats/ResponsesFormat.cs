using System.Text.Json;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Llm.Requests;
using SaasLlm.Core.Llm.Responses;
using SaasLlm.Core.Llm.Streaming;
using SaasLlm.Core.ModelGroups;

namespace SaasLlm.Core.Llm.Formats;

/// <summary>The responses API. Ids are sealed for the team on their way out, and opened on their way in.</summary>
internal sealed class ResponsesFormat(JsonElement request, string teamId, ResponseIds ids) : CallFormat
{
    private const string PreviousField = "previous_response_id";

    private readonly string? _previous = FieldChecks.Text(request, PreviousField);

    public override string Path => "v1/responses";

    public override RequestFields Fields => ResponseFields.All;

    public override string OutputLimitField => "max_output_tokens";

    // LiteLLM passes "metadata" on to the provider here.
    public override string MetadataField => "litellm_metadata";

    /// <summary>What came before is at the provider that gave it.</summary>
    public override string? OnlyModel => Previous?.Model;

    private (string Model, string Id)? Previous => _previous is null ? null : ids.Open(teamId, _previous);

    public override (string Field, string Sentence)? FirstFault(JsonElement body, GroupSettings settings) => ResponseFields.FirstFault(body, settings);

    public override Failure? Missing(JsonElement body)
    {
        if (_previous is not null && Previous is null)
        {
            return NotFound(PreviousField, "There is no previous response with this id.");
        }

        var input = body.GetProperty("input");
        return input.ValueKind == JsonValueKind.Array
               && input.EnumerateArray().Any(item => ResponseInputChecks.TypeOf(item) == "item_reference" && Opened(FieldChecks.Text(item, "id")) is null)
            ? NotFound("input", "An item_reference names an item that is not there.")
            : null;
    }

    public override IEnumerable<JsonElement> Pictures(JsonElement body) => InlinePictures.OfItems(body.GetProperty("input"));

    public override RequestSize SizeOf(JsonElement body) => new(FieldChecks.Number(body, "max_output_tokens"), 1);

    public override ReadOnlySpan<byte> Mode(bool isStream) => isStream ? ",\"stream\":true"u8 : ",\"stream\":false"u8;

    public override void WriteField(Utf8JsonWriter writer, JsonProperty field)
    {
        if (field.Name == PreviousField)
        {
            writer.WriteString(PreviousField, Previous?.Id);
        }
        else if (field.Name == "input" && field.Value.ValueKind == JsonValueKind.Array)
        {
            writer.WriteStartArray("input");
            foreach (var item in field.Value.EnumerateArray())
            {
                WriteItem(writer, item);
            }

            writer.WriteEndArray();
        }
        else
        {
            field.WriteTo(writer);
        }
    }

    public override bool HasResult(JsonElement answer) => ResponseContent.HasResult(answer);

    public override TokenUsage? Usage(JsonElement answer) => ResponseContent.Usage(answer);

    public override JsonElement Write(JsonElement answer, AnswerNames names, TokenUsage? usage)
        => Writer(names).WriteWhole(answer, usage);

    public override AnswerReader NewReader(AnswerNames names) => new ResponseReader(Writer(names));

    private ResponseWriter Writer(AnswerNames names) => new(request, names, id => ids.Seal(teamId, names.Model, id));

    // An id that is none of ours says nothing to the provider: the item itself is there.
    private void WriteItem(Utf8JsonWriter writer, JsonElement item)
    {
        writer.WriteStartObject();
        foreach (var member in item.EnumerateObject())
        {
            if (member.Name != "id")
            {
                member.WriteTo(writer);
            }
            else if (Opened(FieldChecks.Text(item, "id")) is { } id)
            {
                writer.WriteString("id", id);
            }
        }

        writer.WriteEndObject();
    }

    private string? Opened(string? id) => id is null ? null : ids.Open(teamId, id)?.Id;

    private static Failure NotFound(string field, string sentence) => new(FailureKind.NotFound, "response.not_found", sentence)
    {
        Details = new Dictionary<string, object?> { ["param"] = field },
    };
}
