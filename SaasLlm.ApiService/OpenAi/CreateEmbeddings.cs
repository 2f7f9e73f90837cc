using System.Text.Json;
using System.Text.Json.Nodes;
using FastEndpoints;
using SaasLlm.ApiService.Jobs;
using SaasLlm.ApiService.Llm;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Idempotency;
using SaasLlm.Core.Jobs;
using SaasLlm.Core.Llm;
using RequestSizeLimit = Microsoft.AspNetCore.Mvc.RequestSizeLimitAttribute;

namespace SaasLlm.ApiService.OpenAi;

/// <summary>OpenAI's embeddings, on a model group of kind <c>embedding</c>.</summary>
internal sealed class CreateEmbeddings(ILlmCaller llm, JobReader jobs, JobTypes types, TimeProvider time) : EndpointWithoutRequest
{
    public override void Configure()
    {
        Post("/embeddings");
        Group<OpenAiGroup>();
        Description(d => d.WithMetadata(new RequestSizeLimit(CallModel.BodyBytesMax), NeverRepeated.Mark));
        Description(d => d.Accepts<JsonElement>("application/json").Produces<JsonElement>(200));
        Description(d => d.ProducesProblem(400).ProducesProblem(402).ProducesProblem(404).ProducesProblem(429).ProducesProblem(502).ProducesProblem(503).ProducesProblem(504));
        Summary(s =>
        {
            s.Summary = "Embeddings, as OpenAI's";
            s.Description = "`model` is the name of a model group of kind `embedding`. `input` is a text, a list of texts, a list of token ids or a list of such "
                + "lists; `encoding_format` is `float` or `base64`. The group's first model answers: another one would put the same text elsewhere, so there is no "
                + "fallback unless the group's settings say `same_vectors`. Jobs, labels and headers are those of `/v1/chat/completions`.";
            s.RequestExamples.Add(new(s_example));
            s.ResponseExamples[200] = JsonElement.Parse(
                """{"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [0.1, -0.2, 0.3]}], "model": "SearchVectors", "usage": {"prompt_tokens": 8, "total_tokens": 8}}""");
        });
    }

    public override async Task HandleAsync(CancellationToken ct)
    {
        HttpContext.MarkResponseStart();
        if (!(await ModelRequest.ReadAsync(HttpContext, mayStream: false)).TryGet(out var request, out var wrong))
        {
            await Problem.WriteAsync(HttpContext, wrong);
            return;
        }

        if (!(await RequestJob.OfAsync(HttpContext, request, "embeddings", jobs, types, time)).TryGet(out var job, out var refused))
        {
            await Problem.WriteAsync(HttpContext, refused);
            return;
        }

        HttpContext.Response.Headers["x-job-id"] = job.JobId.ToString();
        var call = new LlmCall(job.TeamId, job.JobId, request.Model, null, request.Fields, job.Opens, LlmRoute.Embeddings).By(HttpContext);
        await (await llm.CallAsync(call, ct)).Match(
            answer => CallResponse.WriteAsync(HttpContext, answer),
            failure => Problem.WriteAsync(HttpContext, failure));
    }

    private static readonly JsonObject s_example = new()
    {
        ["model"] = "SearchVectors",
        ["input"] = new JsonArray("first text", "second text"),
    };
}
