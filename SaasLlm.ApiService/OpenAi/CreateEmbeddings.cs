using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using SaasLlm.ApiService.Llm;
using SaasLlm.Core.Jobs;
using SaasLlm.Core.Llm;

namespace SaasLlm.ApiService.OpenAi;

/// <summary>OpenAI's embeddings, on a model group of kind <c>embedding</c>.</summary>
internal sealed class CreateEmbeddings(ILlmCaller llm, JobReader jobs, JobTypes types, TimeProvider time) : ModelEndpoint(llm, jobs, types, time)
{
    public override void Configure()
    {
        ConfigureModel("/embeddings");
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

    protected override string JobType => "embeddings";

    protected override LlmRoute Upstream => LlmRoute.Embeddings;

    protected override bool MayStream => false;

    protected override StreamForm Form(LlmCall call, ModelRequest request, DateTimeOffset begun) => throw new UnreachableException();

    private static readonly JsonObject s_example = new()
    {
        ["model"] = "SearchVectors",
        ["input"] = new JsonArray("first text", "second text"),
    };
}
