using System.Text.Json;
using SaasLlm.LiteLlmSimulator.Http;
using SaasLlm.LiteLlmSimulator.Models;

namespace SaasLlm.LiteLlmSimulator.Inference;

/// <summary>A call that passed all checks.</summary>
/// <param name="Alias">What was asked of <c>mock/</c>, or armed for it.</param>
internal sealed record InferenceCall(Call Call, SimulatedModel Model, string CallId, string? Alias)
{
    public JsonElement Body => Call.Body;

    public bool IsStream => Body.IsTrue("stream");

    /// <summary>Whether the stream is to end with a usage chunk.</summary>
    public bool WantsUsage => Body.Has("stream_options", out var options) && options.IsTrue("include_usage");
}
