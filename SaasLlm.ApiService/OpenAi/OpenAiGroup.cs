using FastEndpoints;
using SaasLlm.ApiService.Platform.Access;

namespace SaasLlm.ApiService.OpenAi;

/// <summary>What OpenAI's clients call: base URL <c>…/v1</c>, a team's key, a group's name as the model.</summary>
internal sealed class OpenAiGroup : Group
{
    public OpenAiGroup() => Configure("/v1", endpoint =>
    {
        endpoint.Policies(Policies.TeamOrOperator);
        endpoint.Description(d => d.WithTags("OpenAI"));
    });
}
