using FastEndpoints;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.Core.ModelGroups;

namespace SaasLlm.ApiService.OpenAi;

/// <summary>One model group of the team, as OpenAI describes a model.</summary>
internal sealed class GetModel(IModelGroupResolver groups) : Endpoint<GetModelRequest, ModelResponse>
{
    public override void Configure()
    {
        Get("/models/{group_name}");
        Group<OpenAiGroup>();
        Description(d => d.ProducesProblem(404));
        Summary(s =>
        {
            s.Summary = "Reads one of the team's model groups, as OpenAI's model";
            s.ResponseExamples[200] = ModelResponse.Example;
        });
    }

    public override async Task HandleAsync(GetModelRequest request, CancellationToken ct)
    {
        if (HttpContext.GetCaller().Team is not { } team)
        {
            await Send.FailureAsync(ModelResponse.TeamKeyNeeded);
            return;
        }

        await (await groups.ResolveAsync(team.TeamId, request.GroupName, ct)).Match(
            group => Send.OkAsync(ModelResponse.From(group), ct),
            failure => Send.FailureAsync(failure));
    }
}

internal sealed record GetModelRequest([property: RouteParam] string GroupName);
