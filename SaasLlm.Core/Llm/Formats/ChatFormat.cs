using System.Text.Json;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Llm.Answers;
using SaasLlm.Core.Llm.Requests;
using SaasLlm.Core.Llm.Streaming;
using SaasLlm.Core.ModelGroups;

namespace SaasLlm.Core.Llm.Formats;

/// <summary>Chat completions.</summary>
internal sealed class ChatFormat : CallFormat
{
    public static readonly ChatFormat Instance = new();

    public override string Path => "v1/chat/completions";

    public override RequestFields Fields => ChatFields.All;

    public override string OutputLimitField => "max_tokens";

    public override bool IsOutputLimit(string field) => field is "max_tokens" or "max_completion_tokens";

    public override (string Field, string Sentence)? FirstFault(JsonElement body, GroupSettings settings) => FieldChecks.FirstFault(body, settings);

    public override IEnumerable<JsonElement> Pictures(JsonElement body) => InlinePictures.OfMessages(body.GetProperty("messages"));

    public override RequestSize SizeOf(JsonElement body)
        => new(LongestAnswer(body), FieldChecks.Number(body, "n") ?? 1);

    // Both are sent where both are given, and servers differ in which one they obey.
    private static int? LongestAnswer(JsonElement body)
        => (FieldChecks.Number(body, "max_completion_tokens"), FieldChecks.Number(body, "max_tokens")) switch
        {
            ({ } newer, { } older) => Math.Max(newer, older),
            var (newer, older) => newer ?? older,
        };

    // Usage is always asked for: without it nobody knows what a stream cost.
    public override ReadOnlySpan<byte> Mode(bool isStream) => isStream ? ",\"stream\":true,\"stream_options\":{\"include_usage\":true}"u8 : ",\"stream\":false"u8;

    public override bool HasResult(JsonElement answer) => AnswerContent.HasResult(answer);

    public override TokenUsage? Usage(JsonElement answer) => AnswerContent.Usage(answer);

    public override JsonElement Write(JsonElement answer, AnswerNames names, TokenUsage? usage)
        => AnswerWriter.Write(answer, names.CallId, names.ModelGroup, names.CreatedAt, usage);

    public override AnswerReader NewReader(AnswerNames names) => new ChunkReader(names.CallId, names.ModelGroup, names.CreatedAt);
}
