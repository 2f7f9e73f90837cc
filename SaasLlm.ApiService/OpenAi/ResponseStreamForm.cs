using System.Text.Json;
using SaasLlm.ApiService.Llm;
using SaasLlm.ApiService.Platform.Json;
using SaasLlm.Core.Common;
using SaasLlm.Core.Llm;
using SaasLlm.Core.Llm.Streaming;

namespace SaasLlm.ApiService.OpenAi;

/// <summary>
/// The events of a streamed response: the last is <c>response.completed</c> or <c>response.incomplete</c>, with what the job cost, or
/// <c>response.failed</c>.
/// </summary>
internal sealed class ResponseStreamForm(string modelGroup, JobId job, DateTimeOffset createdAt) : StreamForm
{
    public override ReadOnlyMemory<byte> Chunk(ReadOnlyMemory<byte> chunk) => chunk;

    public override IEnumerable<ReadOnlyMemory<byte>> Succeeded(LlmAnswer answer)
    {
        var last = answer.Response.EnumerateObject().ToDictionary(member => member.Name, object? (member) => member.Value);
        last["saasllm"] = UsageJob.Of(answer, job);
        return [Event(answer.Response.GetProperty("type").GetString()!, JsonSerializer.SerializeToUtf8Bytes(last, ApiJson.Options))];
    }

    public override ReadOnlyMemory<byte> Failed(LlmStream stream, Failure failure)
    {
        const string type = "response.failed";
        var response = new Dictionary<string, object?>
        {
            ["id"] = stream.AnswerId ?? $"resp_{stream.CallId.Value:N}",
            ["object"] = "response",
            ["created_at"] = createdAt.ToUnixTimeSeconds(),
            ["status"] = "failed",
            ["error"] = new { failure.Code, failure.Message },
            ["incomplete_details"] = null,
            ["model"] = modelGroup,
            ["output"] = Array.Empty<object>(),
            ["usage"] = null,
            ["metadata"] = new Dictionary<string, object?>(),
        };
        return Event(type, JsonSerializer.SerializeToUtf8Bytes(
            new Dictionary<string, object?> { ["type"] = type, ["sequence_number"] = stream.EventsSent, ["response"] = response }, ApiJson.Options));
    }
}
