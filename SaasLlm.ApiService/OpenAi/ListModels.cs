using FastEndpoints;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.Core.ModelGroups;

namespace SaasLlm.ApiService.OpenAi;

/// <summary>The model groups a team may use, as OpenAI lists models.</summary>
internal sealed class ListModels(IModelGroupResolver groups) : EndpointWithoutRequest<ModelListResponse>
{
    public override void Configure()
    {
        Get("/models");
        Group<OpenAiGroup>();
        Summary(s =>
        {
            s.Summary = "Lists the team's model groups, as OpenAI's models";
            s.Description = "What a request may name as its `model`: the groups that are granted to the team and active. `mode` says which routes take one.";
            s.ResponseExamples[200] = new ModelListResponse("list", [ModelResponse.Example]);
        });
    }

    public override async Task HandleAsync(CancellationToken ct)
    {
        if (HttpContext.GetCaller().Team is not { } team)
        {
            await Send.FailureAsync(ModelResponse.TeamKeyNeeded);
            return;
        }

        var granted = await groups.ListAsync(team.TeamId, ct);
        await Send.OkAsync(new("list", [.. granted.Select(ModelResponse.From)]), ct);
    }
}

/// <param name="Object">Always <c>list</c>.</param>
internal sealed record ModelListResponse(string Object, IReadOnlyList<ModelResponse> Data);
