using FastEndpoints;
using FluentValidation;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.Core.Llm.Gateway;
using SaasLlm.Core.ModelGroups;

namespace SaasLlm.ApiService.ModelGroups;

/// <summary>Replaces the models of a group.</summary>
internal sealed class SetGroupModels(ModelGroupService groups) : Endpoint<List<GroupModelRequest>, ModelGroupResponse>
{
    public override void Configure()
    {
        Put("/{group_name}/models");
        Group<ModelGroupsGroup>();
        Description(d => d.ProducesProblem(404));
        Summary(s =>
        {
            s.Summary = "Replaces a group's models";
            s.Description = "The body is the bare array. Every replica uses the change within a second.";
            s.ExampleRequest = [new("gpt-4-turbo", 0), new("gpt-3.5-turbo", 1)];
            s.ResponseExamples[200] = ModelGroupResponse.Example;
        });
    }

    public override async Task HandleAsync(List<GroupModelRequest> request, CancellationToken ct)
    {
        var updated = await groups.UpdateAsync(Route<string>("group_name")!, new(Models: request.ToModels()), ct);
        await updated.Match(
            group => Send.OkAsync(ModelGroupResponse.From(group), ct),
            failure => Send.FailureAsync(failure));
    }
}

internal sealed class SetGroupModelsValidator : Validator<List<GroupModelRequest>>
{
    public SetGroupModelsValidator(GatewayTargets gateways) => RuleFor(models => models).AreGroupModels(gateways).OverridePropertyName("models");
}
