using System.Text.Json;
using System.Text.Json.Nodes;
using FastEndpoints;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Idempotency;
using SaasLlm.Core.Common;
using SaasLlm.Core.Jobs;
using SaasLlm.Core.Llm;
using RequestSizeLimit = Microsoft.AspNetCore.Mvc.RequestSizeLimitAttribute;

namespace SaasLlm.ApiService.Jobs;

/// <summary>Makes one LLM call inside a job.</summary>
internal sealed class CallModel(ILlmCaller llm, JobReader jobs) : Endpoint<CallModelRequest, CallModelResponse>
{
    /// <summary>Bytes of a call's body: documents and images come in it.</summary>
    public const long BodyBytesMax = 20 * 1024 * 1024;

    private static readonly HashSet<string> s_ours = ["model_group", "model_group_name", "purpose"];

    public override void Configure()
    {
        Post("/{job_id:guid}/llm-call");
        Group<JobsGroup>();
        // As metadata, and not by FastEndpoints' own MaxRequestBodySize: a keyed body is read before the endpoint begins.
        Description(d => d.WithMetadata(new RequestSizeLimit(BodyBytesMax), NeverRepeated.Mark));
        Description(d => d.ProducesProblem(400).ProducesProblem(403).ProducesProblem(409).ProducesProblem(429).ProducesProblem(502).ProducesProblem(504));
        Summary(s =>
        {
            s.Summary = "Calls a model group inside a job";
            s.Description = "`model_group` (or `model_group_name`) names the group; `messages` and OpenAI's other fields are passed on; an "
                + "unknown field is a 400 that names it. The group's models are tried by priority; the answer names neither model nor cost.";
            s.RequestExamples.Add(new(s_example));
            s.ResponseExamples[200] = new CallModelResponse(
                Guid.Empty, JsonElement.Parse("""{"choices": [{"index": 0, "message": {"role": "assistant", "content": "…"}, "finish_reason": "stop"}]}"""),
                new(1834, 912, "ResumeAgent"));
        });
    }

    public override async Task HandleAsync(CallModelRequest request, CancellationToken ct)
    {
        var body = request.Body;
        if (body.ValueKind != JsonValueKind.Object)
        {
            ThrowError("must be a JSON object", 400);
            return;
        }

        if (GroupOf(body) is not { } group)
        {
            AddError(new("model_group", "must name a model group, once"));
            ThrowIfAnyErrors(422);
            return;
        }

        if (!TryPurpose(body, out var purpose))
        {
            AddError(new("purpose", "must be a text of at most 255 characters"));
            ThrowIfAnyErrors(422);
        }

        if (!(await jobs.TeamOfAsync(HttpContext.GetCaller(), request.JobId, ct)).TryGet(out var teamId, out var missing))
        {
            await Send.FailureAsync(missing);
            return;
        }

        var answer = await llm.CallAsync(new(teamId, new(request.JobId), group, purpose, WithoutOurs(body)), ct);
        await answer.Match(
            given => Send.OkAsync(
                new(given.CallId.Value, given.Response, new(given.TokensUsed, given.LatencyMs, given.ModelGroup)), ct),
            failure => Send.FailureAsync(failure));
    }

    private static readonly JsonObject s_example = new()
    {
        ["model_group"] = "ResumeAgent",
        ["purpose"] = "extract skills",
        ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = "List the skills in this resume: …" }),
        ["temperature"] = 0.2,
    };

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
        return purpose is { Length: <= 255 } && !purpose.Contains('\0', StringComparison.Ordinal);
    }

    private static JsonElement WithoutOurs(JsonElement body)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
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
}

/// <param name="Body">A chat request of OpenAI's API, with <c>model_group</c> instead of <c>model</c>, and <c>purpose</c>.</param>
internal sealed class CallModelRequest
{
    [RouteParam]
    public Guid JobId { get; set; }

    [FromBody]
    public JsonElement Body { get; set; }
}

/// <param name="Response">A chat completion of OpenAI's API; its <c>model</c> is the group's name.</param>
internal sealed record CallModelResponse(Guid CallId, JsonElement Response, CallMetadata Metadata);

internal sealed record CallMetadata(long TokensUsed, int LatencyMs, string ModelGroup);
