using System.Text.Json;
using System.Text.Json.Nodes;
using SaasLlm.ApiService.Llm;
using SaasLlm.ApiService.Platform.Json;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Jobs;
using SaasLlm.Core.Llm;

namespace SaasLlm.ApiService.OpenAi;

/// <summary>OpenAI's legacy completions, whole or as a stream, made on a model group's chat.</summary>
internal sealed class CreateCompletion(ILlmCaller llm, JobReader jobs, JobTypes types, TimeProvider time) : ModelEndpoint(llm, jobs, types, time)
{
    public override void Configure()
    {
        ConfigureModel("/completions");
        Summary(s =>
        {
            s.Summary = "Legacy completions, as OpenAI's";
            s.Description = "`prompt` is a text, or a list of one, and is asked as one message of a chat. `logprobs`, `echo`, `suffix` and `best_of` are not offered. "
                + "Jobs, labels and headers are those of `/v1/chat/completions`.";
            s.RequestExamples.Add(new(s_example));
            s.ResponseExamples[200] = JsonElement.Parse(
                """{"id": "cmpl-1", "object": "text_completion", "created": 1767225600, "model": "SummaryAgent", "choices": [{"text": "…", "index": 0, "logprobs": null, "finish_reason": "stop"}], "usage": {"prompt_tokens": 9, "completion_tokens": 12, "total_tokens": 21}}""");
        });
    }

    protected override string JobType => "completions";

    protected override Result<ModelRequest> Translate(ModelRequest request) => PromptRequest.ToChat(request);

    protected override Func<JsonElement, TokenUsage?, JsonElement> AsAnswered
        => static (chat, usage) => JsonSerializer.SerializeToElement(TextCompletion.Of(chat, usage), ApiJson.Options);

    protected override Task WriteAsync(LlmAnswer answer) => CallResponse.WriteAsync(HttpContext, answer, TextCompletion.Of(answer));

    protected override StreamForm Form(LlmCall call, ModelRequest request, DateTimeOffset begun)
        => new TextStreamForm(answer => request.WantsUsage ? [TextCompletion.Last(answer, call.JobId, begun)] : []);

    private static readonly JsonObject s_example = new()
    {
        ["model"] = "SummaryAgent",
        ["prompt"] = "Summarise: …",
    };
}
